//! One TLS configuration for HTTP and the socket.
//!
//! Owns: which certificates are trusted (those the system trusts, asked in
//! the system's own way) and which protocols are offered. Never: an exception.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt as _;

/// Makes ring the process's provider, for whatever asks without naming one.
/// To be called before anything else of this crate; again does nothing.
pub fn install() {
    let _ = ring::default_provider().install_default();
}

/// A configuration that offers these protocols.
///
/// Where the system has no certificates to trust, nothing is trusted: a server
/// on this machine, spoken to without TLS, is reached all the same.
///
/// # Errors
/// The provider knows no protocol version, which does not happen.
pub fn config(alpn: &[&[u8]]) -> Result<ClientConfig, rustls::Error> {
    let builder = || {
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
    };
    let mut config = match builder()?.with_platform_verifier() {
        Ok(verified) => verified.with_no_client_auth(),
        Err(error) => {
            tracing::warn!(%error, "the system's certificates can't be used");
            builder()?
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth()
        }
    };
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}
