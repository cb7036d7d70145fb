//! One question over plain HTTP, as a browser's own check for a sign-in page asks it. Nothing secret goes through here.

use nix::libc;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream, ToSocketAddrs, UdpSocket};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// More of an answer is not looked at.
const LONGEST: u64 = 16 * 1024;

/// An answer: its head and the beginning of its body, as text.
pub type Answer = String;

/// Asks a server for a page and returns what it answers, head and all; redirections are not followed.
///
/// # Errors
/// Its name is not known, it can't be reached, or it does not answer within this time; `Unsupported` where nobody could ask.
pub fn get(host: &str, port: u16, path: &str, within: Duration) -> io::Result<Answer> {
    if let Err(error) = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))
        && error.raw_os_error() == Some(libc::EAFNOSUPPORT)
    {
        // A unit that lets its process have no such socket: nobody was asked.
        return Err(io::Error::new(io::ErrorKind::Unsupported, "this process may not use the network"));
    }
    let (tell, told) = mpsc::channel();
    let request =
        format!("GET {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: piback\r\nConnection: close\r\n\r\n");
    let server = (host.to_owned(), port);
    // A resolver may take half a minute to say no, and can't be stopped: it is left to its thread.
    std::thread::Builder::new()
        .name("http".into())
        .spawn(move || _ = tell.send(ask(&server, &request, Instant::now() + within)))?;
    told.recv_timeout(within).unwrap_or_else(|_| Err(late()))
}

fn ask(server: &(String, u16), request: &str, until: Instant) -> io::Result<Answer> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (server.0.as_str(), server.1).to_socket_addrs()? {
        let left =
            until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()).ok_or_else(late)?;
        match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => return talk(stream, request, left),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn talk(mut stream: TcpStream, request: &str, left: Duration) -> io::Result<Answer> {
    stream.set_read_timeout(Some(left))?;
    stream.set_write_timeout(Some(left))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    let read = stream.take(LONGEST).read_to_end(&mut answer);
    // A server that leaves without a goodbye has answered all the same.
    if answer.is_empty() {
        read?;
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it answered nothing"));
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "no answer in time")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn an_answer_comes_or_the_time_is_over() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        let serving = std::thread::spawn(move || {
            let (mut one, _) = server.accept().unwrap();
            let mut asked = [0; 512];
            let n = one.read(&mut asked).unwrap();
            one.write_all(b"HTTP/1.0 204 No Content\r\n\r\n").unwrap();
            drop(one);
            // The next one is taken and never answered.
            let held = server.accept();
            std::thread::sleep(Duration::from_millis(600));
            drop(held);
            String::from_utf8_lossy(&asked[..n]).into_owned()
        });
        let answer = get("127.0.0.1", port, "/nm", Duration::from_secs(5)).unwrap();
        assert!(answer.starts_with("HTTP/1.0 204"), "{answer}");
        let late = get("127.0.0.1", port, "/nm", Duration::from_millis(300));
        assert!(late.is_err());
        let asked = serving.join().unwrap();
        assert!(asked.starts_with("GET /nm HTTP/1.0\r\nHost: 127.0.0.1\r\n"), "{asked}");
        assert!(get("127.0.0.1", port, "/", Duration::from_secs(5)).is_err(), "nobody listens any more");
    }
}
