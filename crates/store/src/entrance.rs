//! Connections as they come to a listener: so many at once, and of one address so many.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::places::{Place, Places, neighbourhood};

/// How long to wait where the system has no descriptor left: others close theirs meanwhile.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);

/// How many connections there may be.
#[derive(Debug)]
pub struct Entrance {
    all: Arc<Semaphore>,
    of_addresses: Places<IpAddr>,
}

/// A connection's place, of all and of its address: given back when it is dropped.
#[derive(Debug)]
pub struct Entered(#[expect(dead_code, reason = "held")] (OwnedSemaphorePermit, Place<IpAddr>));

impl Entrance {
    /// `most` at once, others wait to be accepted; of these `of_an_address`, its next ones are closed at once: one address does not take the connections
    /// of all others.
    pub fn new(most: usize, of_an_address: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(most)), of_addresses: Places::new(of_an_address) }
    }

    /// Hands over each connection with its peer and its place until `stop` resolves, also while every place is taken.
    pub async fn accept(
        &self,
        listener: &TcpListener,
        stop: impl Future<Output = ()>,
        mut each: impl FnMut(TcpStream, SocketAddr, Entered),
    ) {
        tokio::pin!(stop);
        loop {
            let next = async {
                let permit = Arc::clone(&self.all).acquire_owned().await;
                (listener.accept().await, permit)
            };
            let accepted = tokio::select! {
                () = &mut stop => return,
                accepted = next => accepted,
            };
            let (Ok((stream, peer)), Ok(permit)) = accepted else {
                tokio::time::sleep(OUT_OF_DESCRIPTORS).await;
                continue;
            };
            if let Some(place) = self.of_addresses.take(neighbourhood(peer.ip())) {
                drop(stream.set_nodelay(true));
                each(stream, peer, Entered((permit, place)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests state what must hold")]
    use super::*;
    use tokio::io::AsyncReadExt as _;

    #[tokio::test]
    async fn it_stops_also_while_every_connection_is_taken() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let entrance = Entrance::new(1, 2);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let mut held = Vec::new();
        let mut stop = Some(stop);
        let stopping = async { drop(stopped.await) };
        let serving = entrance.accept(&listener, stopping, |stream, _, entered| {
            held.push((stream, entered));
            drop(stop.take());
        });
        let clients = async { (TcpStream::connect(address).await, TcpStream::connect(address).await) };
        let both = async { tokio::join!(serving, clients) };
        let ((), clients) = tokio::time::timeout(Duration::from_secs(10), both).await.expect("it stops");
        assert!(clients.0.is_ok() && clients.1.is_ok());
        assert_eq!((held.len(), entrance.all.available_permits()), (1, 0));
    }

    #[tokio::test]
    async fn one_address_has_its_share_of_connections() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let entrance = Entrance::new(8, 1);
        let mut held = Vec::new();
        let clients = async {
            let first = TcpStream::connect(address).await.unwrap();
            let mut second = TcpStream::connect(address).await.unwrap();
            // Closed at once, and never handed over.
            assert_eq!(second.read(&mut [0]).await.unwrap(), 0);
            drop(first);
        };
        entrance.accept(&listener, clients, |stream, peer, entered| held.push((stream, peer, entered))).await;
        assert_eq!((held.len(), entrance.all.available_permits()), (1, 7));
        assert!(entrance.of_addresses.take(address.ip()).is_none());
        held.clear();
        assert!(entrance.of_addresses.take(address.ip()).is_some(), "given back with the connection");
    }
}
