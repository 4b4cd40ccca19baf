//! The TLS probe: a handshake, the name of the certificate and how long it lasts. Also how other probes encrypt.

use std::sync::Arc;

use kernel::Seconds;
use kernel::book::probe::TlsProbe;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error, RootCertStore};

use super::{Broken, Way, tcp};
use crate::http::Fault;

/// The largest file of authorities, in bytes.
const CA_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Whom we trust.
#[derive(Clone)]
pub(super) struct Trust(Arc<RootCertStore>);

impl Trust {
    /// The authorities of the system. What cannot be read is not trusted.
    pub(super) fn of_system() -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Self(Arc::new(roots))
    }

    /// The authorities in a file.
    async fn of_file(path: &str) -> Result<Self, Broken> {
        let unread = |error: std::io::Error| (Fault::Tls, format!("the authorities in {path} cannot be read: {error}"));
        let size = tokio::fs::metadata(path).await.map_err(unread)?.len();
        if size > CA_BYTES_MAX {
            return Err((Fault::Tls, format!("{path} has {size} bytes, at most {CA_BYTES_MAX} are read")));
        }
        let text = tokio::fs::read(path).await.map_err(unread)?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&text).filter_map(Result::ok));
        if roots.is_empty() {
            return Err((Fault::Tls, format!("{path} holds no certificate in PEM")));
        }
        Ok(Self(Arc::new(roots)))
    }

    /// Encrypts a connection and checks who is at its other end.
    pub(super) async fn encrypt(
        &self,
        stream: TcpStream,
        name: &str,
        protocols: Vec<Vec<u8>>,
    ) -> Result<TlsStream<TcpStream>, Broken> {
        let wrong = |error: String| (Fault::Tls, format!("no encrypted connection: {error}"));
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| wrong(error.to_string()))?;
        let mut config = builder.with_root_certificates(Arc::clone(&self.0)).with_no_client_auth();
        config.alpn_protocols = protocols;
        let name = ServerName::try_from(name.to_owned()).map_err(|error| wrong(error.to_string()))?;
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(|error| refused(&error))
    }
}

pub(super) async fn judge(system: &Trust, probe: &TlsProbe, way: Way) -> Result<(), Broken> {
    let own = match &probe.ca {
        Some(path) => Some(Trust::of_file(path).await?),
        None => None,
    };
    let stream = tcp::connect(&probe.address, way).await?;
    let stream = own.as_ref().unwrap_or(system).encrypt(stream, &probe.name, Vec::new()).await?;
    let Some(span) = probe.certificate else { return Ok(()) };
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let der = shown.ok_or_else(|| (Fault::Certificate, "the other side showed no certificate".to_owned()))?;
    lasts(der, span)
}

/// Why a handshake failed. A certificate that is over is a failure of its own.
fn refused(error: &std::io::Error) -> Broken {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    let over = matches!(
        inner,
        Some(Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }))
    );
    let fault = if over { Fault::Certificate } else { Fault::Tls };
    (fault, format!("no encrypted connection: {error}"))
}

/// Whether a certificate in DER is still valid after a span from now.
pub(super) fn lasts(der: &[u8], span: Seconds) -> Result<(), Broken> {
    let unread = |_| (Fault::Certificate, "the certificate cannot be read".to_owned());
    let (_, certificate) = x509_parser::parse_x509_certificate(der).map_err(unread)?;
    let left = certificate.validity().time_to_expiration().map_or(0, |left| left.whole_seconds());
    if left > i64::from(span.0) {
        return Ok(());
    }
    let left = Seconds(u32::try_from(left.max(0)).unwrap_or(u32::MAX));
    Err((Fault::Certificate, format!("the certificate expires in {left}, healthy is more than {span}")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_certificate_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(lasts(&bytes, Seconds(1)).is_err());
        }
    }
}
