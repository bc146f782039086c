//! The command line.

use crate::report::Failure;

#[derive(Default)]
pub struct Options {
    pub is_server: bool,
    pub alpn: Vec<Vec<u8>>,
    pub ca: Option<String>,
    pub certificate: String,
    pub key: String,
    /// The version that a client starts with; quinn's own choice when none is given.
    pub version: Option<u32>,
    /// The versions that the endpoint knows; quinn's when empty.
    pub versions: Vec<u32>,
    pub early_data: bool,
    pub no_tickets: bool,
    pub retry: bool,
}

impl Options {
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, Failure> {
        let mut options = Options {
            is_server: match arguments.next().as_deref() {
                Some("server") => true,
                Some("client") => false,
                _ => return Err("the first argument is client or server".into()),
            },
            ..Options::default()
        };
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
            match name.as_str() {
                "--alpn" => options.alpn = value()?.split(',').map(|name| name.as_bytes().to_vec()).collect(),
                "--ca" => options.ca = Some(value()?),
                "--certificate" => options.certificate = value()?,
                "--key" => options.key = value()?,
                "--version" => options.version = Some(number(&value()?)?),
                "--versions" => options.versions = value()?.split(',').map(number).collect::<Result<_, _>>()?,
                "--early-data" => options.early_data = true,
                "--no-tickets" => options.no_tickets = true,
                "--retry" => options.retry = true,
                _ => return Err(format!("unknown option {name}").into()),
            }
        }
        Ok(options)
    }
}

/// A version, decimal or 0x….
fn number(text: &str) -> Result<u32, Failure> {
    Ok(match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16)?,
        None => text.parse()?,
    })
}
