//! An HTTP client with byte ranges, retries on connection failures, and redirects that never reveal the token
//! to other servers.

use std::io::{self, Read};
use std::ops::Range;
use std::thread::sleep;
use std::time::Duration;

use ureq::config::RedirectAuthHeaders;
use ureq::http::{Method, Response, StatusCode, header};
use ureq::{Agent, Body};

/// Number of attempts without a new byte before giving up.
const ATTEMPTS: u32 = 5;
/// Maximum time that a server may be silent, before and within its response.
const SILENCE: Duration = Duration::from_secs(30);
const MAX_MOVES: usize = 5;
const MAX_REDIRECTS: u32 = 10;
const CHUNK_BYTES: usize = 64 << 10;

/// Why a server did not deliver a file.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server responded with an error status.
    #[error("the server answers with status {status}{}", .code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default())]
    Status {
        /// HTTP status.
        status: u16,
        /// The Hub's error code, such as `RepoNotFound`.
        code: Option<String>,
    },
    /// The connection failed.
    #[error("{0}")]
    Connection(String),
    /// The file changed since the download began.
    #[error("the file changed on the server in the meantime")]
    Changed,
    /// The received bytes could not be stored.
    #[error("{0}")]
    Kept(io::Error),
}

/// What is known of a file before it is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The repository's commit.
    pub commit: Option<String>,
    /// The `ETag`, without quotes.
    pub etag: Option<String>,
    /// Length in bytes.
    pub size: Option<u64>,
}

/// What a server stated about a file when it sent a range of it.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Length of the whole file.
    pub size: Option<u64>,
    /// The `ETag` of the server that sent the bytes, as in the header.
    pub etag: Option<String>,
}

/// A client that fetches files from web servers.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    /// The access token, which is not sent when a server redirects elsewhere.
    token: Option<String>,
    first_pause: Duration,
    on_retry: fn(&str),
}

impl Client {
    /// Creates a client with a token for the requested servers, which is not sent to those to which they
    /// redirect.
    #[must_use]
    pub fn new(token: Option<String>, first_pause: Duration) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .redirect_auth_headers(RedirectAuthHeaders::Never)
            .timeout_connect(Some(Duration::from_secs(20)))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .user_agent(concat!("mae-seg/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.new_agent(), token, first_pause, on_retry: |_| () }
    }

    /// Sets a function that is told when a server has to be asked again, and why.
    #[must_use]
    pub fn telling(self, on_retry: fn(&str)) -> Self {
        Self { on_retry, ..self }
    }

    fn tell(&self, address: &str, error: &ClientError, attempt: u32) {
        (self.on_retry)(&format!("{address}: {error}; retrying ({} of {ATTEMPTS})", attempt + 1));
    }

    /// Requests a file's metadata from the Hub; also returns its address, which differs if the repository has
    /// moved.
    ///
    /// # Errors
    /// `ClientError`
    pub fn metadata(&self, address: &str) -> Result<(Metadata, String), ClientError> {
        self.persist(address, || {
            let mut address = address.to_owned();
            for _ in 0..MAX_MOVES {
                let response = self.request(&Method::HEAD, &address, None, None)?;
                match word(&response, "location").filter(|_| response.status().is_redirection()) {
                    Some(path) if path.starts_with('/') && word(&response, "x-linked-etag").is_none() => {
                        address = on_same_host(&address, &path);
                    }
                    // The content is on another server, but the Hub has stated what is needed.
                    Some(_) => return Ok((described(&response), address)),
                    None => return checked(response).map(|response| (described(&response), address)),
                }
            }
            Err(ClientError::Connection("there are too many redirects".to_owned()))
        })
    }

    /// Fetches a whole small file.
    ///
    /// # Errors
    /// `ClientError`
    pub fn read(&self, address: &str) -> Result<Vec<u8>, ClientError> {
        self.persist(address, || {
            let mut response = checked(self.request(&Method::GET, address, None, None)?)?;
            response.body_mut().read_to_vec().map_err(|error| ClientError::Connection(error.to_string()))
        })
    }

    /// Fetches the bytes of `range`; `etag` is that of an earlier range. `on_bytes` is called with the number
    /// of bytes received so far.
    ///
    /// # Errors
    /// `ClientError`; if the connection is at fault, only after several attempts.
    pub fn read_range(
        &self,
        address: &str,
        range: &Range<u64>,
        etag: Option<&str>,
        mut on_bytes: impl FnMut(u64),
    ) -> Result<(Vec<u8>, Told), ClientError> {
        let mut bytes = Vec::new();
        let told = self.copy_range(address, range, etag, &mut |chunk| {
            bytes.extend_from_slice(chunk);
            on_bytes(bytes.len() as u64);
            Ok(())
        })?;
        Ok((bytes, told))
    }

    /// Streams the bytes of `range` to `hand_on`; `etag` is that of an earlier range.
    ///
    /// # Errors
    /// `ClientError`; if the connection is at fault, only after several attempts. Bytes that were handed on
    /// remain valid.
    pub fn copy_range(
        &self,
        address: &str,
        range: &Range<u64>,
        etag: Option<&str>,
        hand_on: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<Told, ClientError> {
        let mut told = Told { size: None, etag: etag.map(str::to_owned) };
        let (mut pause, mut attempt, mut left) = (self.first_pause, 1, range.clone());
        while !left.is_empty() {
            let had = left.start;
            let reason = match self.advance(address, &mut left, &mut told, hand_on) {
                Ok(()) => break,
                Err(error) if is_passing(&error) => error,
                Err(error) => return Err(error),
            };
            if left.start > had {
                (pause, attempt) = (self.first_pause, 1);
            } else if attempt == ATTEMPTS {
                return Err(reason);
            }
            self.tell(address, &reason, attempt);
            sleep(pause);
            pause *= 2;
            attempt += 1;
        }
        Ok(told)
    }

    /// Makes one attempt at what is `left`.
    fn advance(
        &self,
        address: &str,
        left: &mut Range<u64>,
        told: &mut Told,
        hand_on: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), ClientError> {
        let response = checked(self.request(&Method::GET, address, Some(left), told.etag.as_deref())?)?;
        let found = word(&response, "etag");
        if told.etag.is_some() && found.is_some() && told.etag != found {
            return Err(ClientError::Changed);
        }
        told.etag = told.etag.take().or(found);
        let whole = response.status() == StatusCode::OK;
        told.size = if whole { number(&response, "content-length") } else { total(&response) };
        if !whole && first(&response) != Some(left.start) {
            return Err(ClientError::Connection("the server sent other bytes than requested".to_owned()));
        }
        let mut body = response.into_body().into_reader();
        let broken = |error: io::Error| ClientError::Connection(error.to_string());
        if whole {
            io::copy(&mut (&mut body).take(left.start), &mut io::sink()).map_err(broken)?;
        }
        let mut chunk = vec![0; CHUNK_BYTES];
        while !left.is_empty() {
            let most = (left.end - left.start).min(CHUNK_BYTES as u64) as usize;
            match body.read(&mut chunk[..most]).map_err(broken)? {
                0 => return Err(ClientError::Connection("the file ends early".to_owned())),
                count => {
                    hand_on(&chunk[..count]).map_err(ClientError::Kept)?;
                    left.start += count as u64;
                }
            }
        }
        Ok(())
    }

    fn request(
        &self,
        method: &Method,
        address: &str,
        range: Option<&Range<u64>>,
        etag: Option<&str>,
    ) -> Result<Response<Body>, ClientError> {
        let mut request = ureq::http::Request::builder().method(method).uri(address);
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        // The content length equals that of the file only if the response is not compressed.
        if range.is_some() || method == Method::HEAD {
            request = request.header(header::ACCEPT_ENCODING, "identity");
        }
        if let Some(range) = range {
            request = request.header(header::RANGE, format!("bytes={}-{}", range.start, range.end - 1));
        }
        if let Some(etag) = etag.filter(|etag| range.is_some() && !etag.starts_with("W/")) {
            request = request.header(header::IF_RANGE, etag);
        }
        let redirects = if method == Method::HEAD { 0 } else { MAX_REDIRECTS };
        let request = request.body(()).map_err(|error| ClientError::Connection(error.to_string()))?;
        let request = self.agent.configure_request(request).max_redirects(redirects).build();
        self.agent.run(request).map_err(|error| ClientError::Connection(error.to_string()))
    }

    /// Retries if the connection or the server is at fault.
    fn persist<T>(
        &self,
        address: &str,
        mut ask: impl FnMut() -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let mut pause = self.first_pause;
        for attempt in 1..ATTEMPTS {
            match ask() {
                Err(error) if is_passing(&error) => self.tell(address, &error, attempt),
                outcome => return outcome,
            }
            sleep(pause);
            pause *= 2;
        }
        ask()
    }
}

fn is_passing(error: &ClientError) -> bool {
    matches!(error, ClientError::Connection(_) | ClientError::Status { status: 408 | 425 | 429 | 500.., .. })
}

fn checked(response: Response<Body>) -> Result<Response<Body>, ClientError> {
    if response.status().is_success() {
        return Ok(response);
    }
    Err(ClientError::Status { status: response.status().as_u16(), code: word(&response, "x-error-code") })
}

fn on_same_host(address: &str, path: &str) -> String {
    let host = address.find("://").map_or(0, |at| at + 3);
    let end = address[host..].find('/').map_or(address.len(), |at| host + at);
    format!("{}{path}", &address[..end])
}

fn described(response: &Response<Body>) -> Metadata {
    let etag = word(response, "x-linked-etag").or_else(|| word(response, "etag"));
    Metadata {
        commit: word(response, "x-repo-commit"),
        etag: etag.map(|etag| etag.trim_start_matches("W/").trim_matches('"').to_owned()),
        size: number(response, "x-linked-size").or_else(|| number(response, "content-length")),
    }
}

fn word(response: &Response<Body>, name: &str) -> Option<String> {
    response.headers().get(name)?.to_str().ok().map(str::to_owned)
}

fn number(response: &Response<Body>, name: &str) -> Option<u64> {
    word(response, name)?.parse().ok()
}

/// Returns the offset of the first byte, from `Content-Range: bytes 0-7/100`.
fn first(response: &Response<Body>) -> Option<u64> {
    word(response, "content-range")?.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok()
}

/// Returns the length of the whole file, from `Content-Range: bytes 0-7/100`.
fn total(response: &Response<Body>) -> Option<u64> {
    word(response, "content-range")?.rsplit_once('/')?.1.parse().ok()
}
