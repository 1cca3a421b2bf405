//! What a balancer says of whom it carries, before the first octet of TLS: the PROXY protocol, versions 1 and 2
//! (<https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>).

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::error::Error;

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// The longest line of version 1.
const LINE: usize = 107;
/// The longest rest of version 2 that is read: addresses and what else a balancer may say.
const REST: usize = 4096;

/// What stands there is no header of the PROXY protocol, or one that is not understood here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no header of the PROXY protocol that is understood here")]
pub struct NotProxied;

/// Reads a header off a connection, and not an octet more: who is carried, or none where the balancer speaks for itself.
pub(crate) async fn take<R: AsyncRead + Unpin>(stream: &mut R) -> io::Result<Option<SocketAddr>> {
    // Both versions are longer than that.
    let mut header = vec![0; SIGNATURE.len()];
    stream.read_exact(&mut header).await?;
    if header == SIGNATURE {
        let mut fixed = [0; 4];
        stream.read_exact(&mut fixed).await?;
        let [.., high, low] = fixed;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length > REST {
            return Err(io::Error::other(NotProxied));
        }
        let mut rest = vec![0; length];
        stream.read_exact(&mut rest).await?;
        header.extend_from_slice(&fixed);
        header.extend_from_slice(&rest);
    } else {
        while !header.ends_with(b"\r\n") && header.len() < LINE {
            header.push(stream.read_u8().await?);
        }
    }
    read_proxied(&header).map_err(io::Error::other)
}

/// Reads one header, all of it: address and port of whom a balancer carries, or none where it speaks for itself or does not know.
///
/// # Errors
/// [`NotProxied`].
pub fn read_proxied(header: &[u8]) -> Result<Option<SocketAddr>, NotProxied> {
    match header.strip_prefix(&SIGNATURE) {
        Some(rest) => binary(rest),
        None => line(header),
    }
}

/// Version 1: one line of text.
fn line(header: &[u8]) -> Result<Option<SocketAddr>, NotProxied> {
    let text = header.strip_suffix(b"\r\n").filter(|_| header.len() <= LINE).ok_or(NotProxied)?;
    let text =
        std::str::from_utf8(text).ok().and_then(|text| text.strip_prefix("PROXY ")).ok_or(NotProxied)?;
    if text == "UNKNOWN" || text.starts_with("UNKNOWN ") {
        return Ok(None);
    }
    let parts: Vec<&str> = text.split(' ').collect();
    let [family, from, to, from_port, to_port] = parts.as_slice() else { return Err(NotProxied) };
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| port.to_string() == text);
    let addresses: Vec<IpAddr> = match *family {
        "TCP4" => {
            [from, to].iter().filter_map(|text| text.parse::<Ipv4Addr>().ok()).map(Into::into).collect()
        }
        "TCP6" => {
            [from, to].iter().filter_map(|text| text.parse::<Ipv6Addr>().ok()).map(Into::into).collect()
        }
        _ => return Err(NotProxied),
    };
    match (addresses.as_slice(), port(from_port), port(to_port)) {
        ([from, _], Some(from_port), Some(_)) => Ok(Some(SocketAddr::new(*from, from_port))),
        _ => Err(NotProxied),
    }
}

/// Version 2, after its signature.
fn binary(rest: &[u8]) -> Result<Option<SocketAddr>, NotProxied> {
    let [version_and_command, family, high, low, rest @ ..] = rest else { return Err(NotProxied) };
    if rest.len() != usize::from(u16::from_be_bytes([*high, *low])) {
        return Err(NotProxied);
    }
    match (version_and_command, family) {
        // LOCAL: a check of the balancer's own. PROXY of an unknown family, or of a socket of its machine.
        (0x20, _) | (0x21, 0x00 | 0x31) => Ok(None),
        (0x21, 0x11) if rest.len() >= 12 => Ok(first(rest, |it: [u8; 4]| Ipv4Addr::from(it).into())),
        (0x21, 0x21) if rest.len() >= 36 => Ok(first(rest, |it: [u8; 16]| Ipv6Addr::from(it).into())),
        _ => Err(NotProxied),
    }
}

/// Of two addresses and two ports the first ones.
fn first<const N: usize>(rest: &[u8], address: impl Fn([u8; N]) -> IpAddr) -> Option<SocketAddr> {
    let (from, rest) = rest.split_first_chunk::<N>()?;
    let (_, ports) = rest.split_first_chunk::<N>()?;
    Some(SocketAddr::new(address(*from), u16::from_be_bytes(*ports.first_chunk::<2>()?)))
}

/// Who is carried, and where it called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Carried {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
}

/// How it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    One,
    Two,
}

impl Version {
    /// `send_proxy` of a setting of this name.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub(crate) fn read(setting: &str, version: Option<u8>) -> Result<Option<Self>, Error> {
        match version {
            None => Ok(None),
            Some(1) => Ok(Some(Self::One)),
            Some(2) => Ok(Some(Self::Two)),
            Some(_) => Err(Error::setting(setting, "the PROXY protocol has versions 1 and 2")),
        }
    }

    /// The header of a connection that carries somebody, or that is our own.
    pub(crate) fn header(self, carried: Option<Carried>) -> Vec<u8> {
        match self {
            Self::One => said(carried).into_bytes(),
            Self::Two => packed(carried),
        }
    }
}

fn said(carried: Option<Carried>) -> String {
    let Some(Carried { from, to }) = carried else { return "PROXY UNKNOWN\r\n".to_owned() };
    match (from.ip().to_canonical(), to.ip().to_canonical()) {
        (IpAddr::V4(one), IpAddr::V4(two)) => {
            format!("PROXY TCP4 {one} {two} {} {}\r\n", from.port(), to.port())
        }
        (one, two) => {
            format!("PROXY TCP6 {} {} {} {}\r\n", six(one), six(two), from.port(), to.port())
        }
    }
}

fn packed(carried: Option<Carried>) -> Vec<u8> {
    let Some(Carried { from, to }) = carried else { return [&SIGNATURE[..], &[0x20, 0, 0, 0]].concat() };
    let (family, addresses) = match (from.ip().to_canonical(), to.ip().to_canonical()) {
        (IpAddr::V4(one), IpAddr::V4(two)) => (0x11, [one.octets(), two.octets()].concat()),
        (one, two) => (0x21, [six(one).octets(), six(two).octets()].concat()),
    };
    let length: u8 = if family == 0x11 { 12 } else { 36 };
    let ports = [from.port().to_be_bytes(), to.port().to_be_bytes()].concat();
    [&SIGNATURE[..], &[0x21, family, 0, length], &addresses, &ports].concat()
}

fn six(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(four) => four.to_ipv6_mapped(),
        IpAddr::V6(six) => six,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what must hold")]
    use super::*;

    fn second(head: [u8; 2], rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &head, &length, rest].concat()
    }

    /// The headers of the protocol's own text, and what is near them.
    #[tokio::test]
    async fn headers_are_read_as_the_protocol_says() {
        let four = [192, 0, 2, 7, 127, 0, 0, 1, 0xdc, 0x04, 1, 0xbb];
        let mut six = [0; 36];
        six[..4].copy_from_slice(&[0x20, 1, 0x0d, 0xb8]);
        let v4: Option<SocketAddr> = "192.0.2.7:56324".parse().ok();
        let long = format!("PROXY TCP6 {f} {f} 65535 65535\r\n", f = "ffff:".repeat(7) + "ffff");
        for (header, read) in [
            (b"PROXY TCP4 192.0.2.7 127.0.0.1 56324 443\r\n".to_vec(), v4),
            (long.into_bytes(), "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535".parse().ok()),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n".to_vec(), None),
            (second([0x21, 0x11], &four), v4),
            (second([0x21, 0x11], &[&four[..], &[3, 0, 1, 9]].concat()), v4),
            (second([0x21, 0x21], &six), "[2001:db8::]:0".parse().ok()),
            (second([0x20, 0x00], &[]), None),
            (second([0x20, 0x11], &four), None),
            (second([0x21, 0x00], &[]), None),
        ] {
            assert_eq!(read_proxied(&header), Ok(read), "{}", header.escape_ascii());
            let carried = [&header[..], b"\x16\x03\x01"].concat();
            let mut stream = &carried[..];
            assert_eq!(take(&mut stream).await.unwrap(), read);
            assert_eq!(stream, b"\x16\x03\x01", "what follows is TLS");
            for end in 0..header.len() {
                assert!(read_proxied(&header[..end]).is_err() && take(&mut &header[..end]).await.is_err());
            }
        }
    }

    #[test]
    fn what_is_said_is_what_is_read() {
        for (from, to) in [
            ("192.0.2.7:56324", "127.0.0.1:443"),
            ("[2001:db8::7]:1", "[::1]:65535"),
            ("[::ffff:192.0.2.7]:9", "127.0.0.1:443"),
            ("192.0.2.7:9", "[::1]:443"),
        ] {
            let [from, to]: [SocketAddr; 2] = [from, to].map(|text| text.parse().unwrap());
            for version in [Version::One, Version::Two] {
                let read = read_proxied(&version.header(Some(Carried { from, to }))).unwrap().unwrap();
                assert_eq!((read.ip().to_canonical(), read.port()), (from.ip().to_canonical(), from.port()));
            }
        }
        for version in [Version::One, Version::Two] {
            assert_eq!(read_proxied(&version.header(None)), Ok(None));
        }
    }

    #[test]
    fn what_is_near_a_header_is_none() {
        for text in [
            "PROXY TCP4 192.0.2.7 127.0.0.1 56324\r\n",
            "PROXY TCP4 192.0.2.7 127.0.0.1 56324 443 1\r\n",
            "PROXY TCP4 192.0.2.7  127.0.0.1 1 2\r\n",
            "PROXY TCP4 192.0.2.07 127.0.0.1 1 2\r\n",
            "PROXY TCP4 ::1 ::1 1 2\r\n",
            "PROXY TCP6 192.0.2.7 127.0.0.1 1 2\r\n",
            "PROXY TCP4 192.0.2.7 127.0.0.1 01 65536\r\n",
            "PROXY UDP4 192.0.2.7 127.0.0.1 1 2\r\n",
            "proxy TCP4 192.0.2.7 127.0.0.1 1 2\r\n",
            "PROXY UNKNOWNX\r\n",
            "PROXY TCP4 192.0.2.7 127.0.0.1 1 2\n",
        ] {
            assert_eq!(read_proxied(text.as_bytes()), Err(NotProxied), "{text:?}");
        }
        let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(LINE));
        assert_eq!(read_proxied(long.as_bytes()), Err(NotProxied));
        for (head, rest) in [
            ([0x11, 0x11], 12),
            ([0x22, 0x11], 12),
            ([0x21, 0x12], 12),
            ([0x21, 0x11], 11),
            ([0x21, 0x21], 35),
        ] {
            assert_eq!(read_proxied(&second(head, &vec![0; rest])), Err(NotProxied), "{head:?} {rest}");
        }
    }
}
