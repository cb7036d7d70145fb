//! A handshake over TLS, as a browser begins with one.

use crate::certificate;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// A clock that stands still: the host's own may be wrong by years.
#[derive(Debug)]
struct At(UnixTime);

impl TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        Some(self.0)
    }
}

/// Shakes hands with a server and ends the connection.
///
/// # Errors
/// Nobody answers within this time, or no browser that trusts this authority would take its certificate at that moment.
pub fn shake_hands(with: SocketAddr, authority: &[u8], moment: i64, within: Duration) -> io::Result<()> {
    let moment = UnixTime::since_unix_epoch(Duration::from_secs(moment.try_into().unwrap_or_default()));
    let roots = certificate::roots(&authority.to_vec().into()).map_err(io::Error::other)?;
    let config = ClientConfig::builder_with_details(certificate::provider(), Arc::new(At(moment)))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::IpAddress(with.ip().into());
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    let mut stream = TcpStream::connect_timeout(&with, within)?;
    stream.set_read_timeout(Some(within))?;
    stream.set_write_timeout(Some(within))?;
    while connection.is_handshaking() {
        if connection.complete_io(&mut stream)? == (0, 0) {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it says nothing"));
        }
    }
    connection.send_close_notify();
    // It was answered; whether it hears the goodbye is all the same.
    let _ = connection.complete_io(&mut stream);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::{Authority, Names};
    use std::io::Read;
    use std::net::{IpAddr, Ipv4Addr, TcpListener};

    const NOW: i64 = 1_800_000_000;
    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// Takes so many connections, over TLS with this authority's certificate or in silence.
    fn server(authority: Option<&Authority>, connections: usize) -> SocketAddr {
        let names = Names { address: HERE, hosts: Vec::new() };
        let config = authority.map(|a| Arc::new(a.issue(&names, NOW).unwrap().server().unwrap()));
        let listener = TcpListener::bind((HERE, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().take(connections) {
                let mut stream = stream.unwrap();
                match &config {
                    Some(config) => {
                        let mut connection = rustls::ServerConnection::new(Arc::clone(config)).unwrap();
                        while connection.is_handshaking() && connection.complete_io(&mut stream).is_ok() {}
                    }
                    None => _ = stream.read(&mut [0; 512]),
                }
            }
        });
        address
    }

    #[test]
    fn only_a_server_that_a_browser_would_take_is_one() {
        let (own, other) = (Authority::new(&[HERE], &[]).unwrap(), Authority::new(&[HERE], &[]).unwrap());
        let long = Duration::from_secs(30);
        let at = server(Some(&own), 3);
        shake_hands(at, own.certificate(), NOW, long).unwrap();
        assert!(shake_hands(at, other.certificate(), NOW, long).is_err(), "another authority");
        assert!(shake_hands(at, own.certificate(), NOW + 86_400 * 401, long).is_err(), "it is over");
        assert!(shake_hands(at, own.certificate(), NOW, long).is_err(), "nobody listens any more");
        let silent = server(None, 1);
        assert!(shake_hands(silent, own.certificate(), NOW, Duration::from_millis(300)).is_err());
    }
}
