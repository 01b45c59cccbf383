//! Signatures of requests to an object store: AWS Signature Version 4, in the header `authorization`.

use std::collections::BTreeMap;
use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::card::hexadecimal;

/// Who asks.
#[derive(Clone)]
pub(super) struct Credentials {
    pub key: String,
    pub secret: String,
    /// Of temporary credentials.
    pub token: Option<String>,
}

/// A request to sign.
pub(super) struct Request<'a> {
    pub method: &'static str,
    pub host: &'a str,
    /// Encoded as it is sent.
    pub path: &'a str,
    /// Further headers, with names in lower case.
    pub headers: &'a [(&'static str, String)],
    pub body: &'a [u8],
    pub region: &'a str,
    /// `20130524T000000Z`.
    pub time: &'a str,
}

impl Request<'_> {
    /// The headers to send: the request's own, and what the signature consists of. Without credentials, for what anybody may read, its own alone.
    pub fn sign(&self, credentials: Option<&Credentials>) -> Vec<(&'static str, String)> {
        let mut headers = self.headers.to_vec();
        let Some(credentials) = credentials else {
            return headers;
        };
        let digest = hexadecimal(&Sha256::digest(self.body));
        headers.push(("x-amz-content-sha256", digest.clone()));
        headers.push(("x-amz-date", self.time.to_owned()));
        headers.extend(credentials.token.clone().map(|token| ("x-amz-security-token", token)));

        let mut signed: BTreeMap<&str, &str> = headers.iter().map(|(name, value)| (*name, value.trim())).collect();
        signed.insert("host", self.host);
        let names = signed.keys().copied().collect::<Vec<_>>().join(";");
        let mut canonical = format!("{}\n{}\n\n", self.method, self.path);
        for (name, value) in &signed {
            // Writing into text does not fail.
            let _ = writeln!(canonical, "{name}:{value}");
        }
        let _ = write!(canonical, "\n{names}\n{digest}");

        let day = self.time.split('T').next().unwrap_or_default();
        let scope = format!("{day}/{}/s3/aws4_request", self.region);
        let canonical = hexadecimal(&Sha256::digest(canonical));
        let text = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{canonical}", self.time);
        let mut key = format!("AWS4{}", credentials.secret).into_bytes();
        for part in [day, self.region, "s3", "aws4_request"] {
            key = hmac(&key, part);
        }
        let signature = hexadecimal(&hmac(&key, &text));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            credentials.key
        );
        headers.push(("authorization", authorization));
        headers
    }
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    // A key of any length will do.
    Hmac::<Sha256>::new_from_slice(key)
        .map_or_else(|_| Vec::new(), |mac| mac.chain_update(text).finalize().into_bytes().to_vec())
}

/// A time as requests say it, of one as HTTP says it: `Fri, 24 May 2013 00:00:00 GMT` is `20130524T000000Z`.
pub(super) fn time(http: &str) -> Option<String> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = http.split(' ').skip(1);
    let (day, month, year, clock) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|&name| name == month)? + 1;
    Some(format!("{year}{month:02}{day}T{}Z", clock.replace(':', "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of "Signature Calculations for the Authorization Header" in the API reference of Amazon S3.
    #[test]
    fn requests_are_signed_as_in_the_published_examples() {
        let credentials = Credentials {
            key: "AKIAIOSFODNN7EXAMPLE".into(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
            token: None,
        };
        let time = time("Fri, 24 May 2013 00:00:00 GMT").unwrap();
        let request = |method, path, headers: &[(&'static str, String)], body: &[u8]| {
            let (host, region) = ("examplebucket.s3.amazonaws.com", "us-east-1");
            let headers = Request { method, host, path, headers, body, region, time: &time }.sign(Some(&credentials));
            headers.into_iter().find(|(name, _)| *name == "authorization").unwrap().1
        };
        assert_eq!(
            request("GET", "/test.txt", &[("range", "bytes=0-9".into())], b""),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
             SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, \
             Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
        let headers =
            [("date", "Fri, 24 May 2013 00:00:00 GMT".into()), ("x-amz-storage-class", "REDUCED_REDUNDANCY".into())];
        assert!(
            request("PUT", "/test%24file.text", &headers, b"Welcome to Amazon S3.")
                .ends_with("Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")
        );
    }

    #[test]
    fn what_anybody_may_read_is_not_signed() {
        let headers = [("range", "bytes=0-9".to_owned())];
        let request = Request {
            method: "GET",
            host: "x",
            path: "/",
            headers: &headers,
            body: b"",
            region: "us-east-1",
            time: "20130524T000000Z",
        };
        assert_eq!(request.sign(None), headers);
    }
}
