//! Downloads a file in ranges, resumed where it broke off; streamed from servers without range requests.

use std::ops::Range;

use js_sys::Reflect;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Request, RequestInit, Response};

use super::early;
use super::patience::sleep;
use super::stream::Stream;
use crate::web::script::words;

const ATTEMPTS: u32 = 5;
const FIRST_PAUSE_MS: i32 = 250;

/// Why a file did not arrive.
#[derive(Debug)]
pub(super) enum DownloadError {
    /// The server has no such file.
    Missing,
    /// The server requires authentication.
    Forbidden,
    /// The Hub has no such repository or revision, or keeps it private.
    NoRepository,
    /// The download broke off too often; the message of the browser or the server.
    Broken(String),
}

/// A file on a server.
#[derive(Debug)]
pub(super) struct RemoteFile {
    address: String,
    /// Length in bytes, once known.
    pub(super) size: Option<u64>,
    /// The server's `ETag` of this version of the file.
    pub(super) etag: Option<String>,
    /// The response of a server without range requests, read as far as was requested.
    whole: Option<Body>,
    /// Whether the server answers range requests, once known: some let other sites read whole files only.
    ranges: Option<bool>,
}

impl RemoteFile {
    pub(super) const fn new(address: String) -> Self {
        Self { address, size: None, etag: None, whole: None, ranges: None }
    }

    /// Reads the bytes of `range`, or the whole file without one; `on_bytes` is called with the number
    /// received so far.
    ///
    /// # Errors
    ///
    /// [`DownloadError`]; if the connection is at fault, only after several attempts without a new byte.
    pub(super) async fn read(
        &mut self,
        range: Option<Range<u64>>,
        on_bytes: impl Fn(u64),
    ) -> Result<Vec<u8>, DownloadError> {
        let Range { start, end } = range.clone().unwrap_or(0..u64::MAX);
        let reserved = range.as_ref().map_or(0, |range| range.end - range.start);
        let (mut content, mut had) = (Vec::with_capacity(reserved as usize), 0);
        let (mut pause_ms, mut attempt) = (FIRST_PAUSE_MS, 1);
        loop {
            let missing = start + content.len() as u64..end;
            let reason = match self.attempt(missing, range.is_some(), &mut content, &on_bytes).await {
                Err(DownloadError::Broken(reason)) => reason,
                outcome => {
                    outcome?;
                    if range.is_none() {
                        // For packed files, servers state the packed length, if any.
                        self.size = Some(content.len() as u64);
                    }
                    return Ok(content);
                }
            };
            self.whole = None;
            if content.len() > had {
                (had, attempt, pause_ms) = (content.len(), 1, FIRST_PAUSE_MS);
            } else if attempt == ATTEMPTS {
                return Err(DownloadError::Broken(reason));
            }
            sleep(pause_ms).await;
            pause_ms *= 2;
            attempt += 1;
        }
    }

    async fn attempt(
        &mut self,
        missing: Range<u64>,
        bounded: bool,
        content: &mut Vec<u8>,
        on_bytes: &impl Fn(u64),
    ) -> Result<(), DownloadError> {
        let open = self.whole.take().filter(|body| body.position <= missing.start);
        let (mut body, ranged) = match open {
            Some(body) => (body, false),
            None => self.ask(&missing, bounded).await?,
        };
        let complete = body.take(&missing, content, on_bytes).await?;
        if bounded && !complete {
            return Err(DownloadError::Broken("the file ends early".into()));
        }
        self.whole = (!ranged).then_some(body);
        Ok(())
    }

    /// Requests the missing bytes; returns also whether the server sends exactly those.
    async fn ask(&mut self, missing: &Range<u64>, bounded: bool) -> Result<(Body, bool), DownloadError> {
        let ranged = self.ranges != Some(false);
        let response = match request(&self.address, ranged.then_some((missing, bounded))).await {
            Err(error @ DownloadError::Broken(_)) => {
                self.ranges = self.ranges.or(bounded.then_some(false));
                return Err(error);
            }
            outcome => outcome?,
        };
        let header = |name| response.headers().get(name).ok().flatten();
        let etag = header("etag");
        if self.etag.is_some() && etag.is_some() && self.etag != etag {
            return Err(DownloadError::Broken("the file changed on the server in the meantime".into()));
        }
        self.etag = self.etag.take().or(etag);
        let ranged = response.status() == 206;
        self.ranges = self.ranges.or(ranged.then_some(true));
        let size = if ranged {
            header("content-range").and_then(|range| range.rsplit_once('/')?.1.parse().ok())
        } else if header("content-encoding").is_none() {
            header("content-length").and_then(|length| length.parse().ok())
        } else {
            None
        };
        self.size = size.or(self.size);
        let position = if ranged { missing.start } else { 0 };
        Ok((Body { stream: Stream::of(&response), position, rest: Vec::new() }, ranged))
    }
}

/// A response being read.
#[derive(Debug)]
struct Body {
    stream: Option<Stream>,
    /// Offset of `rest` in the file.
    position: u64,
    /// Bytes that were read, but not requested yet.
    rest: Vec<u8>,
}

impl Body {
    /// Appends the bytes of `range` to `content`; returns whether all of them arrived.
    async fn take(
        &mut self,
        range: &Range<u64>,
        content: &mut Vec<u8>,
        on_bytes: &impl Fn(u64),
    ) -> Result<bool, DownloadError> {
        let mut next = range.start;
        loop {
            let here = self.position + self.rest.len() as u64;
            if next < here && next < range.end {
                let from = (next - self.position) as usize;
                let to = (range.end.min(here) - self.position) as usize;
                content.extend_from_slice(&self.rest[from..to]);
                next = range.end.min(here);
                on_bytes(content.len() as u64);
            }
            if next == range.end {
                return Ok(true);
            }
            self.position = here;
            let Some(stream) = &mut self.stream else { return Ok(false) };
            let broken = |error: JsValue| DownloadError::Broken(words(&error));
            if !stream.next(&mut self.rest).await.map_err(broken)? {
                return Ok(false);
            }
        }
    }
}

async fn request(address: &str, part: Option<(&Range<u64>, bool)>) -> Result<Response, DownloadError> {
    let response = match early::take(address).await {
        Some(response) => response,
        None => fetch(address, part).await?,
    };
    let header = |name| response.headers().get(name).ok().flatten().unwrap_or_default();
    match (response.status(), header("x-error-code").as_str()) {
        // Some servers answer requests for missing files with the start page.
        (200..=299, _) if header("content-type").starts_with("text/html") => Err(DownloadError::Missing),
        (200..=299, _) => Ok(response),
        (_, "RepoNotFound" | "RevisionNotFound") => Err(DownloadError::NoRepository),
        (401 | 403, _) => Err(DownloadError::Forbidden),
        (status @ (408 | 416 | 425 | 429 | 500..), _) => {
            Err(DownloadError::Broken(format!("status {status}")))
        }
        _ => Err(DownloadError::Missing),
    }
}

async fn fetch(address: &str, part: Option<(&Range<u64>, bool)>) -> Result<Response, DownloadError> {
    let broken = |error: JsValue| DownloadError::Broken(words(&error));
    let how = RequestInit::new();
    // An earlier version from the browser's cache would not fit the rest.
    Reflect::set(&how, &"cache".into(), &"no-cache".into()).map_err(broken)?;
    let request = Request::new_with_str_and_init(address, &how).map_err(broken)?;
    let range = match part {
        Some((missing, true)) => Some(format!("bytes={}-{}", missing.start, missing.end - 1)),
        Some((missing, false)) if missing.start > 0 => Some(format!("bytes={}-", missing.start)),
        _ => None,
    };
    if let Some(range) = range {
        request.headers().set("Range", &range).map_err(broken)?;
    }
    let answer = JsFuture::from(super::scope().fetch_with_request(&request)).await;
    answer.map_err(|_unsaid| unanswered(address)).map(JsCast::unchecked_into)
}

/// Returns the error of a request without a response, for which browsers give no reason.
fn unanswered(address: &str) -> DownloadError {
    let is_ours = address.starts_with(&super::scope().location().origin());
    let reason = if is_ours {
        "the server does not answer"
    } else {
        "the server does not answer, or lets no other site read its files"
    };
    DownloadError::Broken(reason.to_owned())
}
