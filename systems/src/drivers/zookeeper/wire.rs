//! Requests and answers as bytes, in the encoding of ZooKeeper's protocol (its file `zookeeper.jute`): big-endian numbers, and
//! texts and lists behind their lengths. Pure.

/// How a request is told apart from others. The numbers are the protocol's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    Delete = 2,
    Get = 4,
    Set = 5,
    Sync = 9,
    Ping = 11,
    Children = 12,
    Create = 15,
}

/// What the server is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) code: Code,
    body: Vec<u8>,
}

/// Why the server did not do it. The numbers are the protocol's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    NoNode,
    BadVersion,
    NodeExists,
    /// Any other that is made before the request is proposed: no right, a node that has children, a wrong argument.
    Other(i32),
    /// It may have been done: the server lost the leader or the session.
    Unclear(i32),
}

impl Refusal {
    fn of(error: i32) -> Self {
        match error {
            -101 => Self::NoNode,
            -103 => Self::BadVersion,
            -110 => Self::NodeExists,
            -8 | -102 | -108 | -111 | -114 | -119 => Self::Other(error),
            other => Self::Unclear(other),
        }
    }
}

/// What a node is, as far as clients have to know it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stat {
    /// The transaction that created it.
    pub(super) created: i64,
    /// The transaction that wrote it last.
    pub(super) modified: i64,
    /// How often it was written.
    pub(super) version: i32,
}

/// What stood in an answer, by the code of its request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) data: Vec<u8>,
    pub(super) children: Vec<String>,
    pub(super) stat: Stat,
}

/// Whatever version a node has.
pub(super) const ANY_VERSION: i32 = -1;
/// The number of a ping; those of other requests are positive.
pub(super) const PING: i32 = -2;
const ALL_PERMISSIONS: i32 = 31;
const PASSWORD_BYTES: usize = 16;

/// The first frame of a connection: asks for a new session that ends after so long without a word.
pub(super) fn connect(timeout_ms: i32) -> Vec<u8> {
    let mut body = Bytes::default();
    body.int(0).long(0).int(timeout_ms).long(0).bytes(&[0; PASSWORD_BYTES]).flag(false);
    frame(body.0)
}

/// The answer to [`connect`]: for how many milliseconds the session lives without a word. The error says what makes no sense.
pub(super) fn connected(body: &[u8]) -> Result<i32, String> {
    let mut reader = Reader(body);
    let (_version, timeout_ms, session) = (reader.int()?, reader.int()?, reader.long()?);
    if session == 0 || timeout_ms <= 0 {
        Err("the server gives no session".to_owned())
    } else {
        Ok(timeout_ms)
    }
}

/// A request as it is sent, under this number.
pub(super) fn numbered(number: i32, request: &Request) -> Vec<u8> {
    let mut body = Bytes::default();
    body.int(number).int(request.code as i32);
    body.0.extend_from_slice(&request.body);
    frame(body.0)
}

fn frame(body: Vec<u8>) -> Vec<u8> {
    let mut framed = (body.len() as i32).to_be_bytes().to_vec();
    framed.extend(body);
    framed
}

/// The number of an answer, and what it says to a request of this code. The outer error says what makes no sense.
pub(super) fn answered(code: Code, body: &[u8]) -> Result<(i32, Result<Answer, Refusal>), String> {
    let mut reader = Reader(body);
    let (number, _transaction, error) = (reader.int()?, reader.long()?, reader.int()?);
    if error != 0 {
        return Ok((number, Err(Refusal::of(error))));
    }
    let mut answer = Answer::default();
    match code {
        Code::Delete | Code::Sync | Code::Ping => {}
        Code::Get => {
            answer.data = reader.bytes()?.to_vec();
            answer.stat = reader.stat()?;
        }
        Code::Set => answer.stat = reader.stat()?,
        Code::Create => {
            reader.bytes()?;
            answer.stat = reader.stat()?;
        }
        Code::Children => {
            let count = reader.int()?.max(0);
            answer.children = (0..count).map(|_| reader.text()).collect::<Result<_, _>>()?;
            answer.stat = reader.stat()?;
        }
    }
    Ok((number, Ok(answer)))
}

impl Request {
    fn new(code: Code, path: &str, rest: impl FnOnce(&mut Bytes)) -> Self {
        let mut body = Bytes::default();
        body.bytes(path.as_bytes());
        rest(&mut body);
        Self { code, body: body.0 }
    }

    pub(super) fn ping() -> Self {
        Self { code: Code::Ping, body: Vec::new() }
    }

    /// The server catches up with the leader before it answers what comes behind this on the same connection.
    pub(super) fn sync(path: &str) -> Self {
        Self::new(Code::Sync, path, |_| {})
    }

    pub(super) fn get(path: &str) -> Self {
        Self::new(Code::Get, path, |body| {
            body.flag(false);
        })
    }

    /// The names of a node's children, of one moment.
    pub(super) fn children(path: &str) -> Self {
        Self::new(Code::Children, path, |body| {
            body.flag(false);
        })
    }

    /// Writes a node that is there, and has this version.
    pub(super) fn set(path: &str, data: &[u8], version: i32) -> Self {
        Self::new(Code::Set, path, |body| {
            body.bytes(data).int(version);
        })
    }

    pub(super) fn delete(path: &str) -> Self {
        Self::new(Code::Delete, path, |body| {
            body.int(ANY_VERSION);
        })
    }

    /// Makes a node that is not there yet, for everyone to use; one that is ephemeral ends with the session.
    pub(super) fn create(path: &str, data: &[u8], ephemeral: bool) -> Self {
        Self::new(Code::Create, path, |body| {
            body.bytes(data).int(1).int(ALL_PERMISSIONS).bytes(b"world").bytes(b"anyone");
            body.int(i32::from(ephemeral));
        })
    }
}

#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn int(&mut self, number: i32) -> &mut Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    fn long(&mut self, number: i64) -> &mut Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    fn flag(&mut self, flag: bool) -> &mut Self {
        self.0.push(u8::from(flag));
        self
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.int(bytes.len() as i32);
        self.0.extend_from_slice(bytes);
        self
    }
}

/// What is left of an answer.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8], String> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or("an answer ends too early")?;
        self.0 = rest;
        Ok(taken)
    }

    fn int(&mut self) -> Result<i32, String> {
        let bytes = self.take(4)?.try_into().map_err(|_| "no number")?;
        Ok(i32::from_be_bytes(bytes))
    }

    fn long(&mut self) -> Result<i64, String> {
        let bytes = self.take(8)?.try_into().map_err(|_| "no number")?;
        Ok(i64::from_be_bytes(bytes))
    }

    /// A length of -1 stands for no bytes at all.
    fn bytes(&mut self) -> Result<&'b [u8], String> {
        let length = usize::try_from(self.int()?).unwrap_or_default();
        self.take(length)
    }

    fn text(&mut self) -> Result<String, String> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|error| error.to_string())
    }

    /// Transactions that created and wrote it, two times, its version, and what nothing here needs.
    fn stat(&mut self) -> Result<Stat, String> {
        let (created, modified) = (self.long()?, self.long()?);
        self.take(16)?;
        Ok(Stat { created, modified, version: self.int()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }

    #[test]
    fn requests_are_those_of_the_protocol() {
        let get = numbered(7, &Request::get("/r/x"));
        assert_eq!(hex(&get), "0000001100000007000000040000000 42f722f7800".replace(' ', ""));
        let delete = numbered(8, &Request::delete("/x"));
        assert_eq!(hex(&delete), "0000001200000008000000020000 0002 2f78 ffffffff".replace(' ', ""));
        let create = hex(&numbered(1, &Request::create("/l", b"7", true)));
        assert!(
            create.starts_with("00000032 00000001 0000000f 00000002 2f6c".replace(' ', "").as_str()),
            "{create}"
        );
        assert!(create.ends_with("00000001"), "the last word says that it is ephemeral: {create}");
        assert_eq!(connect(4000).len(), 4 + 45);
    }

    #[test]
    fn answers_are_understood_and_nonsense_is_told() {
        let mut body = Bytes::default();
        body.int(7).long(9).int(0).bytes(b"12").long(3).long(5).long(0).long(0).int(2);
        let (number, answer) = answered(Code::Get, &body.0).unwrap();
        let stat = Stat { created: 3, modified: 5, version: 2 };
        assert_eq!((number, answer), (7, Ok(Answer { data: b"12".to_vec(), stat, ..Answer::default() })));
        assert!(answered(Code::Get, &body.0[..20]).is_err());
        let refused = |error| {
            let mut body = Bytes::default();
            body.int(7).long(9).int(error);
            answered(Code::Set, &body.0).unwrap().1.unwrap_err()
        };
        assert_eq!(refused(-101), Refusal::NoNode);
        assert_eq!(refused(-110), Refusal::NodeExists);
        assert_eq!(refused(-4), Refusal::Unclear(-4));
        assert_eq!(refused(-112), Refusal::Unclear(-112));
    }
}
