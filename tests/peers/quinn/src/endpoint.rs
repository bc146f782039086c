//! The endpoint and its TLS: certificates, tickets, versions.

use crate::options::Options;
use crate::report::Failure;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ClientConfig, Endpoint, EndpointConfig, ServerConfig, TransportConfig};
use rustls::pki_types::{pem::PemObject, CertificateDer, PrivateKeyDer};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

pub fn open(options: &Options) -> Result<Endpoint, Failure> {
    let mut configuration = EndpointConfig::default();
    if !options.versions.is_empty() {
        configuration.supported_versions(options.versions.clone());
    }
    if let Some(version) = options.version {
        // A client that starts with a version has to know it.
        configuration.supported_versions(vec![version, 1]);
    }
    let server = if options.is_server { Some(server(options)?) } else { None };
    let socket = UdpSocket::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))?;
    let runtime = Arc::new(quinn::TokioRuntime);
    let mut endpoint = Endpoint::new(configuration, server, socket, runtime)?;
    if !options.is_server {
        endpoint.set_default_client_config(client(options)?);
    }
    Ok(endpoint)
}

fn transport() -> Arc<TransportConfig> {
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(100u32.into())
        .max_concurrent_uni_streams(100u32.into())
        .max_idle_timeout(Some(Duration::from_secs(30).try_into().expect("30 s fit")))
        .datagram_receive_buffer_size(Some(1 << 20));
    Arc::new(transport)
}

fn client(options: &Options) -> Result<ClientConfig, Failure> {
    let mut roots = rustls::RootCertStore::empty();
    let file = options.ca.as_ref().ok_or("a client needs --ca")?;
    for certificate in CertificateDer::pem_file_iter(file)? {
        roots.add(certificate?)?;
    }
    let mut tls = rustls::ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = options.alpn.clone();
    tls.enable_early_data = true;
    let mut configuration = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?));
    configuration.transport_config(transport());
    if let Some(version) = options.version {
        configuration.version(version);
    }
    Ok(configuration)
}

fn server(options: &Options) -> Result<ServerConfig, Failure> {
    let chain = CertificateDer::pem_file_iter(&options.certificate)?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(&options.key)?;
    let mut tls = rustls::ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    tls.alpn_protocols = options.alpn.clone();
    tls.max_early_data_size = if options.early_data { u32::MAX } else { 0 };
    if options.no_tickets {
        tls.send_tls13_tickets = 0;
    }
    let mut configuration = ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?));
    configuration.transport_config(transport());
    Ok(configuration)
}
