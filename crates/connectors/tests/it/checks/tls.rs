//! TLS against a real server with a certificate of its own.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use connectors::http::Fault;
use kernel::Seconds;
use kernel::book::Probe;
use kernel::book::probe::{HostPort, TlsProbe};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::look;

/// What the certificate says beyond its name; one that is an authority as well would not be taken from a server.
const EXTENSIONS: &str = "subjectAltName=DNS:checkout.example.org\nbasicConstraints=critical,CA:FALSE\n";

/// Makes a certificate of `checkout.example.org` that is signed by itself and lasts so many days.
fn certify(place: &Path, days: &str) -> Option<()> {
    std::fs::write(place.join("extensions"), EXTENSIONS).unwrap();
    let request = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem"];
    let sign = ["x509", "-req", "-in", "request.pem", "-signkey", "key.pem", "-extfile", "extensions"];
    for (first, rest) in [
        (request, ["-subj", "/CN=checkout.example.org", "-out", "request.pem"]),
        (sign, ["-days", days, "-out", "cert.pem"]),
    ] {
        let Ok(output) = Command::new("openssl").args(first).args(rest).current_dir(place).output() else {
            eprintln!("skipped: openssl is not installed");
            return None;
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    Some(())
}

/// A server that makes handshakes with the certificate in a folder.
async fn serve(place: &Path) -> HostPort {
    let certificate = CertificateDer::from_pem_file(place.join("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(place.join("key.pem")).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(vec![certificate], key).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let _ = acceptor.accept(socket).await;
        }
    });
    HostPort { host: address.ip().to_string(), port: address.port() }
}

#[tokio::test]
async fn the_certificate_must_be_trusted_have_the_name_and_last() {
    let place = tempfile::tempdir().unwrap();
    let Some(()) = certify(place.path(), "10") else { return };
    let address = serve(place.path()).await;
    let ca = place.path().join("cert.pem").to_str().unwrap().to_owned();
    let ask = async |name: &str, days: Option<u32>, ca: Option<&str>| {
        let certificate = days.map(|days| Seconds(days * 86_400));
        let (name, ca) = (name.to_owned(), ca.map(str::to_owned));
        look(Probe::Tls(TlsProbe { address: address.clone(), name, certificate, ca })).await
    };
    let own = "checkout.example.org";
    assert_eq!(ask(own, Some(9), Some(&ca)).await, (None, String::new()));
    let (fault, reason) = ask(own, Some(14), Some(&ca)).await;
    assert_eq!(fault, Some(Fault::Certificate), "{reason}");
    assert!(reason.ends_with("healthy is more than 2w"), "{reason}");
    for (name, ca) in [(own, None), ("other.example.org", Some(ca.as_str())), (own, Some("/nowhere/ca.pem"))] {
        let (fault, reason) = ask(name, None, ca).await;
        assert_eq!(fault, Some(Fault::Tls), "{name} {ca:?}: {reason}");
    }
}

#[tokio::test]
async fn a_certificate_that_is_over_is_told_from_other_failures() {
    let place = tempfile::tempdir().unwrap();
    // With no days left it is over when it is made.
    let Some(()) = certify(place.path(), "0") else { return };
    let address = serve(place.path()).await;
    let ca = place.path().join("cert.pem").to_str().map(str::to_owned);
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let probe = TlsProbe { address, name: "checkout.example.org".to_owned(), certificate: None, ca };
    let (fault, reason) = look(Probe::Tls(probe)).await;
    assert_eq!(fault, Some(Fault::Certificate), "{reason}");
}
