//! Object stores that speak Amazon S3's language, such as S3 itself, MinIO, Ceph, R2: `s3://bucket/prefix`.
//!
//! The environment says where and who: `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL` (Amazon's where it is not set), `AWS_REGION` (`us-east-1`),
//! `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`. Without a key requests are not signed, as for a public bucket.

mod cache;
mod sign;

use std::fmt;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::time::SystemTime;

use percent_encoding::utf8_percent_encode;
use ureq::Body;
use ureq::http::{Response, StatusCode};

use crate::fetch::FetchConfig;
use crate::fetch::client::{Attempt, Client, RESERVED, number};
use crate::{Error, Result};
pub(crate) use cache::Cache;
use sign::{Credentials, Request};

/// What addresses begin with.
const SCHEME: &str = "s3://";

/// A folder in an object store.
pub(crate) struct Store {
    /// `s3://bucket/prefix`.
    address: String,
    /// `http://host:9000`.
    endpoint: String,
    host: String,
    /// Of the folder on its host, encoded, without a `/` at its end.
    path: String,
    region: String,
    credentials: Option<Credentials>,
    client: Client,
}

/// Shows nothing of the credentials.
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("address", &self.address)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// Whether a path is an address in an object store.
pub(crate) fn is_address(path: &Path) -> bool {
    path.to_str().is_some_and(|path| path.starts_with(SCHEME))
}

impl Store {
    /// The store of an address, as the environment describes it.
    pub fn of(address: &Path) -> Result<Self> {
        Self::with(address, &|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    /// The store of an address, under the settings that `variable` says.
    fn with(address: &Path, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let wrong = |value: &str, expected| Error::Setting { key: "address", value: value.to_owned(), expected };
        let shown = address.to_string_lossy();
        let (bucket, prefix) = shown
            .strip_prefix(SCHEME)
            .map(|place| place.trim_end_matches('/').split_once('/').unwrap_or((place.trim_end_matches('/'), "")))
            .filter(|(bucket, _)| !bucket.is_empty())
            .ok_or_else(|| wrong(&shown, "s3://bucket or s3://bucket/prefix"))?;
        let region = variable("AWS_REGION").unwrap_or_else(|| "us-east-1".to_owned());
        let encode = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
        let prefix = if prefix.is_empty() { String::new() } else { format!("/{}", encode(prefix)) };
        let endpoint = variable("AWS_ENDPOINT_URL_S3").or_else(|| variable("AWS_ENDPOINT_URL"));
        // Amazon takes the bucket for a part of the host; other stores mostly have no such names.
        let (endpoint, path) = match endpoint {
            Some(endpoint) => (endpoint.trim_end_matches('/').to_owned(), format!("/{}{prefix}", encode(bucket))),
            None => (format!("https://{bucket}.s3.{region}.amazonaws.com"), prefix),
        };
        let host = endpoint
            .split_once("://")
            .filter(|(scheme, host)| matches!(*scheme, "http" | "https") && !host.is_empty() && !host.contains('/'))
            .map(|(_, host)| host.to_owned())
            .ok_or_else(|| wrong(&endpoint, "an endpoint such as https://store.example:9000"))?;
        let credentials = variable("AWS_ACCESS_KEY_ID")
            .zip(variable("AWS_SECRET_ACCESS_KEY"))
            .map(|(key, secret)| Credentials { key, secret, token: variable("AWS_SESSION_TOKEN") });
        Ok(Self {
            address: format!("{SCHEME}{}", shown[SCHEME.len()..].trim_end_matches('/')),
            client: Client::of_store(&FetchConfig::default()),
            endpoint,
            host,
            path,
            region,
            credentials,
        })
    }

    /// The address of an object in the folder.
    pub fn object(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    /// A small object, if there is one.
    pub fn find(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.read(name, None, &[200, 404], &|_| true)
    }

    /// A range of an object, asked for again where it is not what `whole` wants.
    pub fn range(&self, name: &str, range: Range<u64>, whole: &dyn Fn(&[u8]) -> bool) -> Result<Vec<u8>> {
        let bytes = self.read(name, Some(range), &[200, 206], whole)?;
        bytes.ok_or_else(|| self.failed(name, "there is no such object"))
    }

    fn read(
        &self,
        name: &str,
        range: Option<Range<u64>>,
        expected: &[u16],
        whole: &dyn Fn(&[u8]) -> bool,
    ) -> Result<Option<Vec<u8>>> {
        // The last byte of a range belongs to it.
        let bytes = |range: &Range<u64>| format!("bytes={}-{}", range.start, range.end.saturating_sub(1));
        let headers: Vec<_> = range.iter().map(|range| ("range", bytes(range))).collect();
        self.client.repeat(name, || {
            let mut response = match self.request("GET", name, &headers, &[], expected)? {
                Attempt::Done(response) => response,
                Attempt::Again { error, wait, progress } => return Ok(Attempt::Again { error, wait, progress }),
            };
            if response.status() == StatusCode::NOT_FOUND {
                return Ok(Attempt::Done(None));
            }
            if range.is_some() && response.status() != StatusCode::PARTIAL_CONTENT {
                return Err(self.failed(name, "the store sends whole objects where parts of them are asked for"));
            }
            let announced = number(&response, ureq::http::header::CONTENT_LENGTH);
            let due = range.as_ref().map(|range| range.end - range.start).or(announced);
            let mut bytes = Vec::new();
            let read =
                response.body_mut().as_reader().take(due.unwrap_or(u64::MAX).saturating_add(1)).read_to_end(&mut bytes);
            let problem = match read {
                Ok(_) if due.is_some_and(|due| due != bytes.len() as u64) => {
                    "another number of bytes came than was due".to_owned()
                }
                Ok(_) if !whole(&bytes) => "what came is damaged: it does not have its checksum".to_owned(),
                Ok(_) => return Ok(Attempt::Done(Some(bytes))),
                Err(error) => format!("the connection broke: {error}"),
            };
            Ok(Attempt::Again { error: self.failed(name, &problem), wait: None, progress: false })
        })
    }

    /// The length of an object, if there is one.
    pub fn length(&self, name: &str) -> Result<Option<u64>> {
        self.client.repeat(name, || {
            Ok(match self.request("HEAD", name, &[], &[], &[200, 404])? {
                Attempt::Done(response) if response.status() == StatusCode::OK => {
                    Attempt::Done(number(&response, ureq::http::header::CONTENT_LENGTH))
                }
                Attempt::Done(_) => Attempt::Done(None),
                Attempt::Again { error, wait, progress } => Attempt::Again { error, wait, progress },
            })
        })
    }

    /// Writes an object, whole or not at all, as stores do.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.client.repeat(name, || {
            Ok(match self.request("PUT", name, &[], bytes, &[200, 201, 204])? {
                Attempt::Done(_) => Attempt::Done(()),
                Attempt::Again { error, wait, progress } => Attempt::Again { error, wait, progress },
            })
        })
    }

    fn request(
        &self,
        method: &'static str,
        name: &str,
        headers: &[(&'static str, String)],
        body: &[u8],
        expected: &[u16],
    ) -> Result<Attempt<Response<Body>>> {
        let path = format!("{}/{}", self.path, utf8_percent_encode(name, RESERVED));
        let time = sign::time(&httpdate::fmt_http_date(SystemTime::now())).unwrap_or_default();
        let request =
            Request { method, host: &self.host, path: &path, headers, body, region: &self.region, time: &time };
        let headers = request.sign(self.credentials.as_ref());
        let url = format!("{}{path}", self.endpoint);
        self.client.request(method, url, &headers, body, expected)
    }

    fn failed(&self, name: &str, message: &str) -> Error {
        Error::Http { url: self.object(name), status: None, message: message.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(address: &str, variables: &[(&str, &str)]) -> Result<Store> {
        let variable = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, v)| (*v).to_owned());
        Store::with(Path::new(address), &variable)
    }

    #[test]
    fn addresses_are_those_of_the_store() {
        let amazon = store("s3://ecgs/shards/a b/", &[("AWS_REGION", "eu-west-1")]).unwrap();
        assert_eq!(amazon.endpoint, "https://ecgs.s3.eu-west-1.amazonaws.com");
        assert_eq!((amazon.path.as_str(), amazon.host.as_str()), ("/shards/a%20b", "ecgs.s3.eu-west-1.amazonaws.com"));
        assert_eq!(amazon.object("manifest.json"), "s3://ecgs/shards/a b/manifest.json");
        let own = store("s3://ecgs", &[("AWS_ENDPOINT_URL", "http://localhost:9000/")]).unwrap();
        assert_eq!((own.endpoint.as_str(), own.path.as_str()), ("http://localhost:9000", "/ecgs"));
        assert_eq!(own.object("x"), "s3://ecgs/x");
        for wrong in ["s3://", "s3:///x", "http://x"] {
            assert!(store(wrong, &[]).is_err(), "{wrong}");
        }
        assert!(store("s3://x", &[("AWS_ENDPOINT_URL", "localhost:9000")]).is_err());
    }

    #[test]
    fn credentials_are_never_shown() {
        let variables = [("AWS_ACCESS_KEY_ID", "anna"), ("AWS_SECRET_ACCESS_KEY", "geheim")];
        let store = store("s3://x", &variables).unwrap();
        assert!(store.credentials.is_some());
        let shown = format!("{store:?}");
        assert!(!shown.contains("anna") && !shown.contains("geheim"), "{shown}");
    }
}
