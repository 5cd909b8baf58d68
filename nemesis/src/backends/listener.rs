//! One listening socket of a proxy and the connections that came in through it. It never decides when to cut.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use histories::Node;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::dialers::Dialers;
use super::gate::Gate;
use super::pump;

/// Small, so that little lies in a link that is cut: what a heal brings is then little and old bytes are few.
const BUFFER_BYTES: u32 = 64 * 1024;
const BACKLOG: u32 = 1024;

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
    task: JoinHandle<()>,
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
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(BUFFER_BYTES)?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let socket = socket.listen(BACKLOG)?;
        let address = socket.local_addr()?;
        let task = tokio::spawn(accept(socket, self.routes.clone()));
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

async fn accept(socket: TcpListener, routes: Routes) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = socket.accept() => match accepted {
                Ok((near, _)) => {
                    let routes = routes.clone();
                    connections.spawn(async move {
                        let route = routes.of(&near).await?;
                        connect(near, route).await
                    });
                }
                // Out of descriptors, or the peer is gone already: neither may spin.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
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

async fn carry(near: TcpStream, route: Route) -> io::Result<()> {
    let Route { forward, backward, upstream, .. } = route;
    if !(forward.is_open() && backward.is_open()) {
        // A handshake needs both ways.
        let closed = if forward.is_open() { &backward } else { &forward };
        closed.count_held_connection();
        forward.opened().await;
        backward.opened().await;
    }
    // As long as a handshake takes over the link: one round trip.
    tokio::time::sleep(forward.delay() + backward.delay()).await;
    let Some(upstream) = *upstream.borrow() else { return Ok(()) };
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(BUFFER_BYTES)?;
    let far = socket.connect(upstream).await?;
    pump::carry(near, far, forward, backward).await
}
