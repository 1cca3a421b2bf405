//! HTTP/2 by hand: a service that does what none should, and a client that does.

use std::{future::poll_fn, net::SocketAddr, path::Path, sync::Arc};

use bytes::Bytes;
use h2::{Reason, client::SendRequest, server::SendResponse};
use hyper::{HeaderMap, Response};
use sceau_pki::{Anchors, Certificate, PrivateKey, TlsIdentity, client_config};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::outside::chain;

/// How a service ends its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// With these trailers.
    Trailers,
    /// By a reset of the stream.
    Reset(Reason),
    /// By the end of the connection.
    Gone,
    /// Never.
    Never,
    /// It sends back what it reads as it comes, with a trailer at the end.
    Echo,
}

/// A service of HTTP/2 without TLS that answers `half` and then ends like this; `/refused` is refused once.
pub(crate) async fn service(end: End) -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut refuses = true;
        while let Ok((stream, _)) = socket.accept().await {
            let Ok(mut connection) = h2::server::handshake(stream).await else { continue };
            let refusing = std::mem::replace(&mut refuses, false);
            tokio::spawn(async move {
                while let Some(Ok((request, mut answer))) = connection.accept().await {
                    if refusing && request.uri().path() == "/refused" {
                        answer.send_reset(Reason::REFUSED_STREAM);
                        continue;
                    }
                    if matches!(end, End::Gone) {
                        let mut stream = answer.send_response(Response::new(()), false).unwrap();
                        stream.send_data(Bytes::from_static(b"half"), false).unwrap();
                        // What was said goes out, then nothing more.
                        let going = poll_fn(|context| connection.poll_closed(context));
                        drop(tokio::time::timeout(std::time::Duration::from_millis(100), going).await);
                        return;
                    }
                    tokio::spawn(answered(request, answer, end));
                }
            });
        }
    });
    address
}

async fn answered(request: hyper::Request<h2::RecvStream>, mut answer: SendResponse<Bytes>, end: End) {
    let said = format!("{} {:?}", request.uri(), request.headers().get("te"));
    let head = Response::builder()
        .header("x-asked", said.replace('"', ""))
        .header("trailer", "grpc-status")
        .body(())
        .unwrap();
    let mut stream = answer.send_response(head, false).unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    if matches!(end, End::Echo) {
        let mut body = request.into_body();
        while let Some(Ok(data)) = body.data().await {
            body.flow_control().release_capacity(data.len()).unwrap();
            stream.send_data(data, false).unwrap();
        }
        return drop(stream.send_trailers(trailers));
    }
    stream.send_data(Bytes::from_static(b"half"), false).unwrap();
    match end {
        End::Trailers => stream.send_trailers(trailers).unwrap(),
        End::Reset(reason) => {
            // The half is on its way before the reset is.
            tokio::task::yield_now().await;
            stream.send_reset(reason);
        }
        _ => std::future::pending().await,
    }
}

/// TLS to the gate for HTTP/2, as this client.
pub(crate) async fn tls(gate: SocketAddr, client: &str) -> TlsStream<TcpStream> {
    let of = |ending| chain().join(format!("{client}.{ending}"));
    tls_of(gate, &of("pem"), &of("key")).await
}

/// The same with this certificate and key.
pub(crate) async fn tls_of(gate: SocketAddr, certificate: &Path, key: &Path) -> TlsStream<TcpStream> {
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let anchor = Certificate::all_from_pem(&read(&chain().join("root.pem")), "root").unwrap();
    let key = PrivateKey::from_pem(&read(key)).unwrap();
    let identity = TlsIdentity::new(&read(certificate), key).unwrap();
    let mut config = client_config(&Anchors::new(anchor).unwrap(), Some(&identity)).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(gate).await.unwrap();
    let name = "localhost".try_into().unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

/// A connection of HTTP/2 to the gate, as this client.
pub(crate) async fn connect(gate: SocketAddr, client: &str) -> SendRequest<Bytes> {
    over(tls(gate, client).await).await
}

/// The same over what is there.
pub(crate) async fn over(stream: TlsStream<TcpStream>) -> SendRequest<Bytes> {
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(async move { drop(connection.await) });
    sender.ready().await.unwrap()
}
