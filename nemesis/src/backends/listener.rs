//! One listening socket of a proxy and the connections that came in through it. It never decides when to cut.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use histories::Node;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::breaks::{Breaks, Broken};
use super::dialers::Dialers;
use super::gate::Gate;
use super::pump;

/// Small, so that little lies in a link that is cut: what a heal brings is then little and old bytes are few.
const BUFFER_BYTES: u32 = 64 * 1024;
const BACKLOG: u32 = 1024;
/// Some nodes open a port only when they lead, and their peers expect to be refused until then and to try again at once. A
/// proxy cannot refuse them: it tries for so long in their place.
const OPENING_MAX: Duration = Duration::from_millis(200);
const OPENING_POLL: Duration = Duration::from_millis(5);

/// What a proxy does with a connection: where to, and through which gates.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) forward: Arc<Gate>,
    pub(super) backward: Arc<Gate>,
    /// Where the node listens now, `None` while it is dead.
    pub(super) upstream: watch::Receiver<Option<SocketAddr>>,
    /// Change when a node at either end dies.
    pub(super) deaths: Vec<watch::Receiver<u64>>,
}

impl Route {
    /// For a new connection: only deaths from now on concern it.
    fn fresh(&self) -> Self {
        let mut route = self.clone();
        route.deaths.iter_mut().for_each(watch::Receiver::mark_unchanged);
        route
    }
}

/// By which route a connection goes.
#[derive(Clone, Debug)]
pub(super) enum Routes {
    /// Each by the same.
    Fixed(Route),
    /// By that of the node which dials; a connection that no node dials is closed.
    ByDialer { routes: Arc<BTreeMap<Node, Route>>, dialers: Arc<Dialers> },
}

impl Routes {
    /// How many faults refuse every connection that comes in. Behind an address that several links share, each is
    /// refused when it is known which link it takes.
    fn refusals(&self) -> watch::Receiver<usize> {
        match self {
            Self::Fixed(route) => route.forward.refusals(),
            Self::ByDialer { .. } => watch::Sender::new(0).subscribe(),
        }
    }

    async fn of(&self, near: &TcpStream) -> io::Result<Route> {
        match self {
            Self::Fixed(route) => Ok(route.fresh()),
            Self::ByDialer { routes, dialers } => {
                let (dialer, proxy) = (near.peer_addr()?, near.local_addr()?);
                let dialers = Arc::clone(dialers);
                let found = tokio::task::spawn_blocking(move || dialers.find(dialer, proxy)).await?;
                let route = found.and_then(|node| routes.get(&node));
                Ok(route.ok_or_else(|| io::Error::other("no node dials here"))?.fresh())
            }
        }
    }
}

/// A proxy's listener, which can be shut so that connections are refused, and opened again at another port.
#[derive(Debug)]
pub(super) struct Listener {
    routes: Routes,
    open: Mutex<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    address: SocketAddr,
    task: JoinHandle<io::Result<()>>,
}

impl Drop for Open {
    fn drop(&mut self) {
        // The task owns the socket and its connections: they close with it.
        self.task.abort();
    }
}

impl Listener {
    pub(super) fn open(routes: Routes) -> io::Result<Self> {
        let listener = Self { routes, open: Mutex::new(None) };
        listener.reopen()?;
        Ok(listener)
    }

    /// Closes every connection, and listens (again) at a port of the system's choice.
    pub(super) fn reopen(&self) -> io::Result<()> {
        self.shut();
        let socket = bound((Ipv4Addr::LOCALHOST, 0).into())?.listen(BACKLOG)?;
        let address = socket.local_addr()?;
        let task = tokio::spawn(accept(socket, address, self.routes.clone()));
        *self.lock() = Some(Open { address, task });
        Ok(())
    }

    /// Closes every connection; new ones are refused.
    pub(super) fn shut(&self) {
        self.lock().take();
    }

    /// `None` while it is shut.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.lock().as_ref().map(|open| open.address)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A socket at this address, beside one that listens there already.
fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(BUFFER_BYTES)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// A proxy's socket. One that is bound and does not listen refuses connections, and its port stays taken.
enum Door {
    Listens(TcpListener),
    Refuses(TcpSocket),
}

impl Door {
    fn turn(self, refuses: bool, address: SocketAddr) -> io::Result<Self> {
        match self {
            Self::Listens(listener) if refuses => {
                let reserved = bound(address)?;
                drop(listener);
                Ok(Self::Refuses(reserved))
            }
            Self::Refuses(reserved) if !refuses => Ok(Self::Listens(reserved.listen(BACKLOG)?)),
            same => Ok(same),
        }
    }

    async fn accept(&self) -> io::Result<TcpStream> {
        match self {
            Self::Listens(listener) => Ok(listener.accept().await?.0),
            Self::Refuses(_) => std::future::pending().await,
        }
    }
}

/// Ends where a door can be neither opened nor shut, and the port is free then: what comes is refused.
async fn accept(socket: TcpListener, address: SocketAddr, routes: Routes) -> io::Result<()> {
    let mut connections = JoinSet::new();
    let mut refusals = routes.refusals();
    let mut door = Door::Listens(socket);
    loop {
        let refuses = *refusals.borrow_and_update() > 0;
        door = door.turn(refuses, address)?;
        tokio::select! {
            changed = refusals.changed(), if refusals.has_changed().is_ok() => {
                // An error means that the gate is gone, and this proxy with it.
                let _ = changed;
            }
            accepted = door.accept() => match accepted {
                Ok(near) => {
                    let routes = routes.clone();
                    connections.spawn(async move {
                        let route = routes.of(&near).await?;
                        connect(near, route).await
                    });
                }
                // Out of descriptors, or the peer is gone already: neither may spin.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

/// A connection that cannot be carried is closed, which is what its client sees of a node that is gone. What was under
/// way dies with the node at either end, whatever is cut.
async fn connect(near: TcpStream, mut route: Route) -> io::Result<()> {
    let deaths = std::mem::take(&mut route.deaths);
    tokio::select! {
        // Death goes first: where a node dies and a cut ends in one moment, nothing more may come from it.
        biased;
        () = any_death(deaths) => Ok(()),
        carried = carry(near, route) => carried,
    }
}

async fn any_death(deaths: Vec<watch::Receiver<u64>>) {
    let waits = deaths.into_iter().map(|mut death| {
        Box::pin(async move {
            // An error means that the proxies themselves are gone.
            let _ = death.changed().await;
        })
    });
    futures::future::select_all(waits).await;
}

async fn carry(mut near: TcpStream, route: Route) -> io::Result<()> {
    let Route { forward, backward, .. } = &route;
    let mut breaks = Breaks::new(forward, backward);
    if *forward.refusals().borrow() > 0 {
        forward.counters.refused();
        return near.set_zero_linger();
    }
    tokio::select! {
        biased;
        broken = breaks.next() => {
            let ahead = matches!(broken, Broken::Reset { ahead: true } | Broken::FarIsGone);
            (if ahead { forward } else { backward }).counters.reset();
            return near.set_zero_linger();
        }
        () = is_let_through(&route) => {}
    }
    // What is broken from here on is so at both ends.
    let Some(mut far) = dial(&route).await? else { return Ok(()) };
    let broken = tokio::select! {
        biased;
        broken = breaks.next() => broken,
        carried = pump::carry(&mut near, &mut far, forward, backward) => return carried,
    };
    // What is closed without lingering is reset.
    match broken {
        Broken::Reset { ahead } => {
            // Counted once, where both directions are broken.
            (if ahead { forward } else { backward }).counters.reset();
            far.set_zero_linger()?;
        }
        Broken::FarIsGone => forget(far, forward).await?,
        Broken::NearIsGone => {
            forget(near, backward).await?;
            return far.set_zero_linger();
        }
    }
    near.set_zero_linger()
}

/// Resets one end, and returns when no fault keeps the other from being told.
async fn forget(gone: TcpStream, gate: &Gate) -> io::Result<()> {
    gone.set_zero_linger()?;
    drop(gone);
    gate.counters.half_open();
    gate.half_opens_ended().await;
    Ok(())
}

/// Returns once the link lets a new connection through.
async fn is_let_through(Route { forward, backward, .. }: &Route) {
    if !forward.answers() {
        forward.counters.held_connection();
        forward.answered().await;
    }
    if !(forward.is_open() && backward.is_open()) {
        // A handshake needs both ways.
        let closed = if forward.is_open() { backward } else { forward };
        closed.counters.held_connection();
        forward.opened().await;
        backward.opened().await;
    }
    // As long as a handshake takes over the link: one round trip.
    tokio::time::sleep(forward.delay() + backward.delay()).await;
}

/// A connection to where the node listens; `None` while it is dead.
async fn dial(route: &Route) -> io::Result<Option<TcpStream>> {
    let began = Instant::now();
    loop {
        let Some(upstream) = *route.upstream.borrow() else { return Ok(None) };
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(BUFFER_BYTES)?;
        match socket.connect(upstream).await {
            Err(error)
                if error.kind() == io::ErrorKind::ConnectionRefused && began.elapsed() < OPENING_MAX =>
            {
                tokio::time::sleep(OPENING_POLL).await;
            }
            connected => return connected.map(Some),
        }
    }
}
