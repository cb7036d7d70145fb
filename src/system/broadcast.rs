//! Asks everybody on one interface's network. The kernel gives such a packet to this host's own servers on that interface too
//! (`ip_mc_output` loops a broadcast back as if it came in there), which no packet to an address of this host's does.

use nix::sys::socket::{AddressFamily, SockFlag, SockType, setsockopt, socket, sockopt};
use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

/// A question to a whole network.
pub struct Broadcast<'a> {
    pub interface: &'a str,
    /// Ports that it goes out from, and to.
    pub from: u16,
    pub to: u16,
    pub packet: &'a [u8],
    /// Tells the answer from what others say.
    pub is_answer: &'a dyn Fn(&[u8]) -> bool,
    /// The time that an answer is waited for.
    pub within: Duration,
}

/// Sends it, and returns the first answer.
///
/// # Errors
/// Nothing came in time (`WouldBlock`), the port is somebody's, or the interface is not up.
pub fn ask(question: &Broadcast<'_>) -> io::Result<Vec<u8>> {
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    // A DHCP client on another interface may hold the port as well.
    setsockopt(&socket, sockopt::ReuseAddr, &true)?;
    setsockopt(&socket, sockopt::Broadcast, &true)?;
    setsockopt(&socket, sockopt::BindToDevice, &OsString::from(question.interface))?;
    bind(&socket, question.from)?;
    let socket = UdpSocket::from(socket);
    let end = Instant::now() + question.within;
    socket.send_to(question.packet, (Ipv4Addr::BROADCAST, question.to))?;
    let mut space = [0; 1500];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        socket.set_read_timeout(Some(left))?;
        let count = socket.recv(&mut space)?;
        if (question.is_answer)(&space[..count]) {
            return Ok(space[..count].to_vec());
        }
    }
}

fn bind(socket: &impl std::os::fd::AsRawFd, port: u16) -> nix::Result<()> {
    let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port);
    nix::sys::socket::bind(socket.as_raw_fd(), &nix::sys::socket::SockaddrIn::from(any))
}
