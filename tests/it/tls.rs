//! A database over HTTPS that lets in clients with a name or a token only, spoken to as a TOML file says.

use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::Value;

use crate::command::{code, output, text};

/// The last line of the example's database, and what stands there instead.
const PLAIN: &str = "ThreadingHTTPServer((\"127.0.0.1\", int(port)), Handler).serve_forever()";
const ENCRYPTED: &str = r#"
import ssl

def guarded(plain):
    def handle(self):
        wanted = {"Authorization": os.environ["WANTED"], "X-Tenant": "blue", "X-Node": "n1"}
        wrong = [name for name, value in wanted.items() if self.headers.get(name) != value]
        return (401, {"error": "wrong " + wrong[0]}) if wrong and self.path != "/health" else plain(self)
    return handle

Handler.handle_one = guarded(Handler.handle_one)
server = ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("server.pem", "server.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"#;

/// What a client says of itself, where `TOKEN` is filled in, and the header that the server waits for.
const BEARER: (&str, &str) = ("bearer = \"TOKEN\"", "Bearer s3cret-token");
const BASIC: (&str, &str) =
    ("basic = { user = \"ann\", password = \"TOKEN\" }", "Basic YW5uOnMzY3JldC10b2tlbg==");
const RIGHT: &str = "s3cret-token";

/// A folder with a certificate authority, a server that it vouches for under this name, and the database.
fn folder(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority =
        CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let server = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    let server = server.signed_by(&key, &authority).expect("a certificate");
    let example =
        fs::read_to_string(crate::tidy::root().join("systems/examples/own/kv.py")).expect("the example");
    // Over TLS the end of an answer has to be told: a connection that just ends may have been cut off.
    let length = "self.send_header(\"Content-Length\", len(json.dumps(body)))\n        self.end_headers()";
    let guarded = example.replace("self.end_headers()", length).replace(PLAIN, ENCRYPTED);
    assert!(guarded.contains(length) && guarded.contains(ENCRYPTED));
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
    write("ca.pem", &authority.pem());
    write("server.pem", &server.pem());
    write("server.key", &key.serialize_pem());
    write("kv.py", &guarded);
    folder
}

/// A short run with a client that says this of itself; its exit code, its report, and what was printed.
fn run(folder: &Path, wanted: &str, client: &str, ready: &str) -> (i32, Option<Value>, String) {
    let system = format!(
        "[system]\nname = \"safe\"\nnodes = 1\n\
         [node]\nstart = \"python3 kv.py {{id}} {{client}} none {{data}}\"\nenvironment = {{ WANTED = \"{wanted}\" }}\n\
         ready = {ready}\nready-max-seconds = 5\n\
         [client]\nheaders = {{ X-Tenant = \"blue\", X-Node = \"{{node}}\" }}\n{client}\n\
         [operations.read]\nrequest = {{ get = \"https://{{address}}/kv/{{key}}\" }}\n\
         ok = {{ status = 200, value = \"$.value\" }}\n\
         [operations.write]\nrequest = {{ put = \"https://{{address}}/kv/{{key}}\", json = \"{{value}}\" }}\n\
         ok = {{ status = 200 }}\n\
         [modes.default]\npromise = [\"linearizable\"]\n"
    );
    fs::write(folder.join("safe.toml"), system).expect("a file");
    let _ = fs::remove_file(folder.join("report.json"));
    let arguments =
        ["run", "--system", "safe.toml", "--workload", "register", "--faults", "none", "--time", "3s"];
    let more = ["--rate", "60", "--clients", "3", "--report", "json=report.json"];
    let output = output(folder, &[&arguments[..], &more].concat());
    let report = fs::read_to_string(folder.join("report.json")).ok();
    (code(&output), report.and_then(|report| serde_json::from_str(&report).ok()), text(&output))
}

const CONNECTS: &str = "{ connect = true }";
const HEALTHY: &str = "{ get = \"https://{address}/health\", status = 200 }";

fn passes(folder: &Path, (login, wanted): (&str, &str), tls: &str, ready: &str) {
    let client = format!("{}\n{tls}", login.replace("TOKEN", RIGHT));
    let (code, report, told) = run(folder, wanted, &client, ready);
    let report = report.unwrap_or_else(|| panic!("no report: {told}"));
    assert!(code == 0 && report["runs"][0]["operations"]["ok"].as_u64() > Some(50), "{told}");
}

/// The run fails before it begins, with one error that says why.
fn refused(folder: &Path, wanted: &str, client: &str, ready: &str, why: &str) {
    let (code, _, told) = run(folder, wanted, client, ready);
    assert!(code > 2 && told.contains(why), "{why}: {code}: {told}");
    assert!(!told.contains(RIGHT), "secrets are not told: {told}");
    assert!(!told.contains("running"), "it was told before anything was run: {told}");
}

#[test]
fn a_server_is_believed_by_its_authority_and_a_client_by_its_token_or_password() {
    let here = folder("127.0.0.1");
    let trust = "tls = { trust = \"ca.pem\" }";
    passes(here.path(), BEARER, trust, HEALTHY);
    passes(here.path(), BASIC, trust, CONNECTS);
    passes(here.path(), BEARER, "tls = { verify = false }", CONNECTS);
    let wrong = |login: &str| format!("{}\n{trust}", login.replace("TOKEN", "guessed"));
    let denied =
        "n1 answered 401 to a read: {\"error\": \"wrong Authorization\"}; look at basic, bearer and headers";
    refused(here.path(), BEARER.1, &wrong(BEARER.0), HEALTHY, denied);
    refused(here.path(), BASIC.1, &wrong(BASIC.0), CONNECTS, denied);
    refused(here.path(), BASIC.1, trust, CONNECTS, denied);
}

#[test]
fn a_server_that_nothing_vouches_for_is_refused() {
    let here = folder("127.0.0.1");
    let login = BEARER.0.replace("TOKEN", "guessed");
    refused(here.path(), BEARER.1, &login, CONNECTS, "n1 cannot be asked anything: ");
    refused(here.path(), BEARER.1, &login, HEALTHY, "invalid peer certificate: UnknownIssuer");
}

#[test]
fn a_server_is_known_by_the_name_that_its_certificate_is_for() {
    let named = folder("db.example.com");
    passes(named.path(), BEARER, "tls = { trust = \"ca.pem\", name = \"db.example.com\" }", HEALTHY);
    let login = format!("{}\ntls = {{ trust = \"ca.pem\" }}", BEARER.0.replace("TOKEN", "guessed"));
    refused(
        named.path(),
        BEARER.1,
        &login,
        CONNECTS,
        "invalid peer certificate: certificate not valid for name",
    );
}
