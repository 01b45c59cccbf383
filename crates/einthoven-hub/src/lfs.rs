//! Large files: the Git LFS batch interface with the transfers `basic` and, in parts, the Hub's own `multipart`.

use std::collections::BTreeMap;
use std::io::Read;

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::SendBody;
use ureq::http::header;

use crate::bundle::BundleFile;
use crate::client::plain;
use crate::failure::Failure;
use crate::{Bundle, Error, Hub, ModelName, Progress, Result};

/// The media type of the interface.
const LFS_JSON: &str = "application/vnd.git-lfs+json";

/// How often addresses of uploads that have expired are asked for anew.
const RENEWALS: u32 = 3;

#[derive(Deserialize)]
struct Batch {
    objects: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    oid: String,
    #[serde(default)]
    actions: Option<Actions>,
    #[serde(default)]
    error: Option<ObjectError>,
}

#[derive(Deserialize)]
struct ObjectError {
    message: String,
}

/// What is to be done for an object; nothing if the storage has it.
#[derive(Deserialize)]
struct Actions {
    upload: Option<Action>,
    verify: Option<Action>,
}

#[derive(Deserialize)]
struct Action {
    href: String,
    #[serde(default)]
    header: BTreeMap<String, Value>,
}

impl Action {
    fn headers(&self) -> impl Iterator<Item = (&str, String)> {
        self.header
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
    }
}

/// One file on its way.
struct Sending<'a> {
    name: &'a str,
    file: &'a BundleFile,
}

/// A part of a file, each block of which is heard of.
struct Heard<'a> {
    reader: Box<dyn Read + 'a>,
    name: &'a str,
    heard: &'a mut (dyn FnMut(Progress<'_>) + 'a),
}

impl Read for Heard<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.reader.read(buffer)?;
        if count > 0 {
            (self.heard)(Progress::Sent(self.name, count as u64));
        }
        Ok(count)
    }
}

impl Hub {
    /// Sends the files called `large` that the storage does not have.
    pub(crate) fn send_large(
        &self,
        name: &ModelName,
        bundle: &Bundle,
        large: &[String],
        heard: &mut dyn FnMut(Progress<'_>),
    ) -> Result<()> {
        for path in large {
            let Some(file) = bundle.files().get(path) else { continue };
            let sending = Sending { name: path, file };
            let mut renewals = 0;
            loop {
                match self.send_one(name, &sending, heard) {
                    // The addresses of parts are signed for a time only.
                    Err(Error::Refused { status: 403, url, .. })
                        if renewals < RENEWALS && !url.starts_with(self.client.endpoint()) =>
                    {
                        renewals += 1;
                    }
                    Err(error) => return Err(error),
                    Ok(()) => break,
                }
            }
        }
        Ok(())
    }

    fn send_one(&self, name: &ModelName, sending: &Sending<'_>, heard: &mut dyn FnMut(Progress<'_>)) -> Result<()> {
        let print = &sending.file.fingerprint;
        let object = self.object(name, sending)?;
        let Some(Actions { upload: Some(upload), verify }) = object.actions else {
            heard(Progress::Present(sending.name));
            return Ok(());
        };
        match upload.header.get("chunk_size") {
            Some(size) => self.send_parts(sending, &upload, size, heard)?,
            None => {
                let headers: Vec<(&str, String)> = upload.headers().collect();
                self.put(sending, &upload.href, &headers, 0, print.size, heard)?;
            }
        }
        let Some(verify) = verify else { return Ok(()) };
        let body = json!({ "oid": print.sha256, "size": print.size }).to_string();
        self.tell(&verify.href, verify.headers(), &body)
    }

    /// What the storage says of a file.
    fn object(&self, name: &ModelName, sending: &Sending<'_>) -> Result<Object> {
        let print = &sending.file.fingerprint;
        let url = self.client.url(&format!("/{}.git/info/lfs/objects/batch", name.repository()));
        let body = json!({
            "operation": "upload",
            "transfers": ["basic", "multipart"],
            "objects": [{ "oid": print.sha256, "size": print.size }],
            "hash_algo": "sha256",
            "ref": { "name": "main" },
        });
        let body = body.to_string();
        let headers = [(header::ACCEPT, LFS_JSON), (header::CONTENT_TYPE, LFS_JSON)];
        let answer: Batch = self.client.repeat(&url, || self.client.post_once(&url, &headers, &body))?;
        let refused = |message: &str| Error::Object { file: sending.name.to_owned(), message: message.to_owned() };
        let object = answer.objects.into_iter().find(|object| object.oid == print.sha256);
        let object = object.ok_or_else(|| refused("it says nothing of it"))?;
        match &object.error {
            Some(error) => Err(refused(&error.message)),
            None => Ok(object),
        }
    }

    /// Sends a file part by part. A part that broke off is sent again, the parts before it are not.
    fn send_parts(
        &self,
        sending: &Sending<'_>,
        upload: &Action,
        part_size: &Value,
        heard: &mut dyn FnMut(Progress<'_>),
    ) -> Result<()> {
        let print = &sending.file.fingerprint;
        let wrong = |message: &str| Error::Answer { url: plain(&upload.href), message: message.to_owned() };
        let part_size = part_size.as_u64().or_else(|| part_size.as_str()?.parse().ok()).filter(|&size| size > 0);
        let part_size = part_size.ok_or_else(|| wrong("the size of parts is no number"))?;
        let numbered = |(name, value): (&String, &Value)| Some((name.parse::<u64>().ok()?, value.as_str()?.to_owned()));
        let mut parts: Vec<(u64, String)> = upload.header.iter().filter_map(numbered).collect();
        parts.sort();
        let expected = print.size.div_ceil(part_size);
        if !parts.iter().map(|part| part.0).eq(1..=expected) {
            return Err(wrong(&format!("expected addresses for {expected} parts")));
        }
        let mut sent = Vec::new();
        for (number, url) in &parts {
            let start = (number - 1) * part_size;
            let length = part_size.min(print.size - start);
            let tag = self.put(sending, url, &[], start, length, heard)?;
            let tag = tag.ok_or_else(|| wrong("a part got no ETag"))?;
            sent.push(json!({ "partNumber": number, "etag": tag }));
        }
        let body = json!({ "oid": print.sha256, "parts": sent }).to_string();
        self.tell(&upload.href, [].into_iter(), &body)
    }

    /// Puts a range of the file at an address; what comes back is its tag.
    fn put(
        &self,
        sending: &Sending<'_>,
        url: &str,
        headers: &[(&str, String)],
        start: u64,
        length: u64,
        heard: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Option<String>> {
        self.client.repeat(url, || {
            let mut reader =
                Heard { reader: sending.file.range(start, length)?, name: sending.name, heard: &mut *heard };
            let mut request = self.client.authorized(url, self.client.agent().put(url))?;
            for (name, value) in headers {
                request = request.header(*name, value);
            }
            let request = request.header(header::CONTENT_LENGTH, length.to_string());
            let response = self.client.check(url, request.send(SendBody::from_reader(&mut reader)))?;
            let tag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
            Ok::<_, Failure>(tag)
        })
    }

    /// Says something to the storage, whose answer matters only for its status.
    fn tell<'a>(&self, url: &str, headers: impl Iterator<Item = (&'a str, String)>, body: &str) -> Result<()> {
        let headers: Vec<(&str, String)> = headers.collect();
        self.client.repeat(url, || {
            let mut request = self.client.authorized(url, self.client.agent().post(url))?;
            request = request.header(header::ACCEPT, LFS_JSON).header(header::CONTENT_TYPE, LFS_JSON);
            for (name, value) in &headers {
                // Ours come first.
                let set = request.headers_ref().is_some_and(|headers| headers.contains_key(*name));
                request = if set { request } else { request.header(*name, value) };
            }
            self.client.check(url, request.send(body)).map(drop)
        })
    }
}
