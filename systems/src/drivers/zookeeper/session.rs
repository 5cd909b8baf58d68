//! One connection with a session of its own, made when it is needed. Each request is sent once, and a session is not taken up
//! again: after anything but an answer the connection is closed, and its session ends at the server when its time is over.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::wire::{self, Answer, PING, Refusal, Request};
use crate::drivers::lost::Lost;

/// A frame that is longer is nonsense.
const FRAME_BYTES_MAX: usize = 16 << 20;

pub(super) type Answers = Vec<Result<Answer, Refusal>>;

pub(super) struct Session {
    /// How long it is to live without a word from here.
    timeout: Duration,
    kept: Option<Kept>,
    /// Counts the sessions: what is tied to one ends with it.
    life: u64,
}

/// An open connection, and to where.
struct Kept {
    to: SocketAddr,
    /// Empty once its answers can no longer be told apart.
    connection: Arc<Mutex<Option<Connection>>>,
    /// Keeps the session alive between requests.
    pinger: JoinHandle<()>,
}

impl Kept {
    /// While it is in use, that is for its user to find out.
    fn is_open(&self) -> bool {
        self.connection.try_lock().map_or(true, |mut slot| slot.as_mut().is_some_and(Connection::is_open))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.pinger.abort();
    }
}

struct Connection {
    stream: TcpStream,
    /// The number of the last request.
    number: i32,
}

impl Session {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { timeout, kept: None, life: 0 }
    }

    /// The session that was opened last, by number.
    pub(super) fn life(&self) -> u64 {
        self.life
    }

    /// Sends requests at most once, all of them before the first answer, and waits for the answers for so long. Where it says
    /// `within`, they are of that session and no other.
    pub(super) async fn ask(
        &mut self,
        address: SocketAddr,
        requests: &[Request],
        limit: Duration,
        within: Option<u64>,
    ) -> Result<Answers, Lost> {
        let until = Instant::now() + limit;
        let connection = self.connection(address, limit, within).await?;
        let left = || until.saturating_duration_since(Instant::now());
        // Taken out, so that a call which is given up leaves no connection with an answer under way.
        let taken = tokio::time::timeout(left(), connection.lock()).await;
        let mut slot = taken.map_err(|_| Lost::NotSent("no answer to a ping by the deadline".to_owned()))?;
        let mut open = slot.take().ok_or_else(|| Lost::NotSent("the connection was lost".to_owned()))?;
        match tokio::time::timeout(left(), open.exchange(requests)).await {
            Ok(Ok(answers)) => {
                let is_clear = |answer: &Result<_, Refusal>| !matches!(answer, Err(Refusal::Unclear(_)));
                *slot = Some(open).filter(|_| answers.iter().all(is_clear));
                Ok(answers)
            }
            Ok(Err(why)) => Err(Lost::Unknown(why)),
            Err(_) => Err(Lost::Unknown("no answer by the deadline".to_owned())),
        }
    }

    async fn connection(
        &mut self,
        address: SocketAddr,
        limit: Duration,
        within: Option<u64>,
    ) -> Result<Arc<Mutex<Option<Connection>>>, Lost> {
        if let Some(kept) = &self.kept
            && kept.to == address
            && within.is_none_or(|life| life == self.life)
            && kept.is_open()
        {
            return Ok(Arc::clone(&kept.connection));
        }
        if within.is_some() {
            return Err(Lost::Unknown("the session is over".to_owned()));
        }
        self.kept = None;
        let connected = tokio::time::timeout(limit, Connection::open(address, self.timeout)).await;
        let (connection, granted) = match connected {
            Ok(connected) => connected.map_err(Lost::NotSent)?,
            Err(_) => return Err(Lost::NotSent("no session by the deadline".to_owned())),
        };
        let connection = Arc::new(Mutex::new(Some(connection)));
        let pinger = tokio::spawn(ping(Arc::clone(&connection), granted));
        self.life += 1;
        self.kept = Some(Kept { to: address, connection: Arc::clone(&connection), pinger });
        Ok(connection)
    }
}

/// Says a word whenever a third of the session's time is over, for as long as the server answers.
async fn ping(connection: Arc<Mutex<Option<Connection>>>, granted: Duration) {
    loop {
        tokio::time::sleep(granted / 3).await;
        let mut slot = connection.lock().await;
        let Some(mut open) = slot.take() else { return };
        match tokio::time::timeout(granted / 3, open.exchange(&[Request::ping()])).await {
            Ok(Ok(_)) => *slot = Some(open),
            _ => return,
        }
    }
}

impl Connection {
    /// With a new session, and for how long that lives without a word.
    async fn open(address: SocketAddr, timeout: Duration) -> Result<(Self, Duration), String> {
        let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        // Small requests and answers wait for nothing.
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let mut connection = Self { stream, number: 0 };
        let asked = wire::connect(timeout.as_millis().try_into().unwrap_or(i32::MAX));
        connection.stream.write_all(&asked).await.map_err(|error| error.to_string())?;
        let granted = wire::connected(&connection.frame().await?)?;
        Ok((connection, Duration::from_millis(granted.unsigned_abs().into())))
    }

    /// Whether the server has not closed it. What it says unasked is nothing that is waited for.
    fn is_open(&mut self) -> bool {
        let mut byte = [0; 1];
        matches!(self.stream.try_read(&mut byte), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    }

    /// The error says what broke, or what makes no sense.
    async fn exchange(&mut self, requests: &[Request]) -> Result<Answers, String> {
        let mut bytes = Vec::new();
        let mut numbers = Vec::new();
        for request in requests {
            let number = if *request == Request::ping() { PING } else { self.next_number() };
            bytes.extend(wire::numbered(number, request));
            numbers.push(number);
        }
        self.stream.write_all(&bytes).await.map_err(|error| error.to_string())?;
        let mut answers = Vec::with_capacity(requests.len());
        for (request, expected) in requests.iter().zip(numbers) {
            let (number, answer) = wire::answered(request.code, &self.frame().await?)?;
            if number != expected {
                return Err(format!("the answer to request {number} came instead of that to {expected}"));
            }
            answers.push(answer);
        }
        Ok(answers)
    }

    fn next_number(&mut self) -> i32 {
        self.number = self.number.checked_add(1).unwrap_or(1);
        self.number
    }

    async fn frame(&mut self) -> Result<Vec<u8>, String> {
        let lost = |error: std::io::Error| error.to_string();
        let length = self.stream.read_i32().await.map_err(lost)?;
        let length = usize::try_from(length).ok().filter(|&length| length <= FRAME_BYTES_MAX);
        let mut frame = vec![0; length.ok_or("an answer of impossible length")?];
        self.stream.read_exact(&mut frame).await.map_err(lost)?;
        Ok(frame)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::net::TcpListener;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(300);

    /// A server that gives sessions, and closes the connection, or says nothing, at any other request; both are counted.
    async fn server(closes: bool) -> (SocketAddr, Arc<[AtomicUsize; 2]>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let counts = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let counted = Arc::clone(&counts);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted[0].fetch_add(1, Ordering::SeqCst);
                let counted = Arc::clone(&counted);
                tokio::spawn(async move {
                    let mut connection = Connection { stream, number: 0 };
                    connection.frame().await.unwrap();
                    let mut session = [36_i32, 0, 60_000, 0, 7, 16].map(i32::to_be_bytes).concat();
                    session.extend([0; 16]);
                    connection.stream.write_all(&session).await.unwrap();
                    while connection.frame().await.is_ok() {
                        counted[1].fetch_add(1, Ordering::SeqCst);
                        if closes {
                            return;
                        }
                    }
                });
            }
        });
        (address, counts)
    }

    #[tokio::test]
    async fn a_request_that_is_never_answered_arrives_once_on_one_connection() {
        for closes in [true, false] {
            let (address, counts) = server(closes).await;
            let mut session = Session::new(Duration::from_mins(1));
            let lost = session.ask(address, &[Request::set("/x", b"1", 0)], LIMIT, None).await.unwrap_err();
            assert!(matches!(lost, Lost::Unknown(_)), "{lost:?}");
            let over = session.ask(address, &[Request::get("/x")], LIMIT, Some(1)).await;
            assert!(matches!(over, Err(Lost::Unknown(_))), "{over:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert_eq!([0, 1].map(|place: usize| counts[place].load(Ordering::SeqCst)), [1, 1]);
        }
    }

    #[tokio::test]
    async fn a_server_that_gives_no_session_was_sent_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut session = Session::new(Duration::from_mins(1));
        let address = listener.local_addr().unwrap();
        let lost = session.ask(address, &[Request::get("/x")], LIMIT, None).await.unwrap_err();
        assert!(matches!(lost, Lost::NotSent(_)), "{lost:?}");
    }
}
