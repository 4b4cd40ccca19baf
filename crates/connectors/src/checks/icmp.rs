//! The ICMP probe: an echo request over a datagram socket, which needs no privilege where the system allows it. RFC 792 and
//! RFC 4443.

use std::hash::{BuildHasher, RandomState};
use std::io::ErrorKind;
use std::net::SocketAddr;

use kernel::book::probe::IcmpProbe;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::{Broken, Way, addresses};
use crate::http::Fault;

/// How many packets that are not our answer are read past.
const STRANGERS_MAX: usize = 64;
/// The longest packet that is read, in bytes.
const PACKET_BYTES_MAX: usize = 512;

pub(super) async fn judge(probe: &IcmpProbe, way: Way) -> Result<(), Broken> {
    let found = addresses(&probe.host, 0, way).await?;
    let to = found.first().copied().ok_or_else(|| (Fault::Dns, "the host's name has no address".to_owned()))?;
    let socket = open(to)?;
    socket.connect(to).await.map_err(unreached)?;
    let nonce = nonce();
    socket.send(&request(to.is_ipv6(), nonce)).await.map_err(unreached)?;
    let mut packet = [0; PACKET_BYTES_MAX];
    for _ in 0..STRANGERS_MAX {
        let length = socket.recv(&mut packet).await.map_err(unreached)?;
        if is_reply(packet.get(..length).unwrap_or_default(), to.is_ipv6(), nonce) {
            return Ok(());
        }
    }
    Err((Fault::Protocol, "what came back was no answer to the echo request".to_owned()))
}

/// What tells our echo from others; the keys of a hash map are chance enough for it.
fn nonce() -> [u8; 16] {
    let half = || u128::from(RandomState::new().hash_one(0_u8));
    (half() << 64 | half()).to_be_bytes()
}

fn open(to: SocketAddr) -> Result<UdpSocket, Broken> {
    let (domain, protocol) =
        if to.is_ipv6() { (Domain::IPV6, Protocol::ICMPV6) } else { (Domain::IPV4, Protocol::ICMPV4) };
    let opened = Socket::new(domain, Type::DGRAM, Some(protocol)).and_then(|socket| {
        socket.set_nonblocking(true)?;
        UdpSocket::from_std(socket.into())
    });
    opened.map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => {
            let way_out = "allow it with: sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"";
            (Fault::Forbidden, format!("this system lets us send no echo request; {way_out}"))
        }
        _ => (Fault::Forbidden, format!("this system opens no socket for echo requests: {error}")),
    })
}

fn unreached(error: std::io::Error) -> Broken {
    (Fault::Connect, format!("the host cannot be reached: {error}"))
}

/// Type, code, checksum, identifier, sequence, data. A datagram socket has its own identifier, which the system writes; the
/// checksum of IPv6 is the system's as well.
fn request(v6: bool, nonce: [u8; 16]) -> Vec<u8> {
    let mut packet = vec![if v6 { 128 } else { 8 }, 0, 0, 0, 0, 0, 0, 1];
    packet.extend(nonce);
    if !v6 {
        let sum = checksum(&packet).to_be_bytes();
        packet.splice(2..4, sum);
    }
    packet
}

/// The Internet checksum, RFC 1071.
fn checksum(packet: &[u8]) -> u16 {
    let words = packet.chunks(2).map(|pair| match pair {
        [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
        [high] => u32::from(u16::from_be_bytes([*high, 0])),
        _ => 0,
    });
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    !u16::try_from(folded).unwrap_or(u16::MAX)
}

fn is_reply(packet: &[u8], v6: bool, nonce: [u8; 16]) -> bool {
    let kind = if v6 { 129 } else { 0 };
    packet.first() == Some(&kind) && packet.get(8..) == Some(&nonce)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Over a packet with its checksum in place the sum is zero; and only the answer to our own request is one.
        #[test]
        fn requests_are_sound_and_replies_are_ours(nonce in any::<[u8; 16]>(), other in prop::collection::vec(any::<u8>(), 0..40)) {
            let packet = request(false, nonce);
            prop_assert_eq!(checksum(&packet), 0);
            let mut reply = packet;
            reply[0] = 0;
            prop_assert!(is_reply(&reply, false, nonce));
            prop_assert!(!is_reply(&reply, false, [nonce[0].wrapping_add(1); 16]));
            prop_assert!(!is_reply(&other, false, nonce) || other.len() == 24);
        }
    }
}
