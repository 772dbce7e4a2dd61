//! A local Hub: resolve addresses, redirects to a second server, `ETag`s, ranges, compressed responses,
//! dropped connections.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// The behaviour of the servers, and the requests that they got.
#[derive(Default)]
pub(crate) struct Behaviour {
    pub(crate) files: HashMap<String, Vec<u8>>,
    /// Bytes after which the bodies of the second server end, one entry per body.
    pub(crate) drop_after: Vec<usize>,
    /// The token that is required for every request.
    pub(crate) token: Option<String>,
    /// Whether the second server ignores ranges.
    pub(crate) no_ranges: bool,
    /// Bytes by which the second server's ranges begin too late.
    pub(crate) late_by: usize,
    /// Bytes by which the second server's files are shorter than the Hub says.
    pub(crate) short_by: usize,
    /// Method, path, and headers with lower-case names of each request.
    pub(crate) asked: Vec<(String, String, HashMap<String, String>)>,
}

pub(crate) struct Hub {
    pub(crate) address: String,
    pub(crate) behaviour: Arc<Mutex<Behaviour>>,
}

impl Hub {
    pub(crate) fn start(files: HashMap<String, Vec<u8>>) -> Self {
        let behaviour = Arc::new(Mutex::new(Behaviour { files, ..Behaviour::default() }));
        let storage = listen(behaviour.clone(), answer_storage);
        let hub = storage.clone();
        let address = listen(behaviour.clone(), move |stream, asked, behaviour| {
            answer_hub(stream, asked, behaviour, &hub);
        });
        Self { address, behaviour }
    }

    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Behaviour) -> T) -> T {
        act(&mut self.behaviour.lock().unwrap())
    }

    /// Returns the `Range` headers of all requests for bytes of `file` on the second server.
    pub(crate) fn ranges(&self, file: &str) -> Vec<String> {
        self.with(|behaviour| {
            let of_file = behaviour.asked.iter().filter(|(_, path, _)| *path == format!("/storage/{file}"));
            of_file.filter_map(|(_, _, headers)| headers.get("range").cloned()).collect()
        })
    }
}

type Asked = (String, String, HashMap<String, String>);

fn listen(
    behaviour: Arc<Mutex<Behaviour>>,
    answer: impl Fn(&mut TcpStream, &Asked, &Mutex<Behaviour>) + Send + Sync + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, behaviour, answer) = (stream.unwrap(), behaviour.clone(), answer.clone());
            thread::spawn(move || {
                let asked = hear(&stream);
                behaviour.lock().unwrap().asked.push(asked.clone());
                answer(&mut stream, &asked, &behaviour);
            });
        }
    });
    address
}

fn hear(stream: &TcpStream) -> Asked {
    let mut lines = BufReader::new(stream).lines().map(|line| line.unwrap_or_default());
    let first = lines.next().unwrap_or_default();
    let mut words = first.split(' ').map(str::to_owned);
    let headers = lines.take_while(|line| !line.is_empty()).filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_lowercase(), value.to_owned()))
    });
    (words.next().unwrap_or_default(), words.next().unwrap_or_default(), headers.collect())
}

fn say(stream: &mut TcpStream, status: &str, headers: &[String], body: &[u8]) {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    // A client that has seen enough closes the connection.
    let _ = write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n");
    let _ = stream.write_all(body);
}

/// Answers requests for small files at once, compressed where allowed, and redirects those for weights.
fn answer_hub(
    stream: &mut TcpStream,
    (method, path, headers): &Asked,
    behaviour: &Mutex<Behaviour>,
    storage: &str,
) {
    let behaviour = behaviour.lock().unwrap();
    let refused = |code: &str| vec![format!("X-Error-Code: {code}"), "Content-Length: 0".to_owned()];
    if let Some(token) = &behaviour.token
        && headers.get("authorization") != Some(&format!("Bearer {token}"))
    {
        return say(stream, "401 Unauthorized", &refused("GatedRepo"), b"");
    }
    let Some((revision, file)) =
        path.strip_prefix("/owner/model/resolve/").and_then(|rest| rest.split_once('/'))
    else {
        return say(stream, "404 Not Found", &refused("RepoNotFound"), b"");
    };
    if !["main", "v2", COMMIT].contains(&revision) {
        return say(stream, "404 Not Found", &refused("RevisionNotFound"), b"");
    }
    let Some(content) = behaviour.files.get(file) else {
        return say(stream, "404 Not Found", &refused("EntryNotFound"), b"");
    };
    let sha256: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut answer = vec![format!("X-Repo-Commit: {COMMIT}")];
    if [".safetensors", ".tar"].iter().any(|end| file.ends_with(end)) {
        answer.push(format!("X-Linked-ETag: \"{sha256}\""));
        answer.push(format!("X-Linked-Size: {}", content.len()));
        answer.push(format!("Location: {storage}/storage/{file}"));
        answer.push("Content-Length: 0".to_owned());
        return say(stream, "302 Found", &answer, b"");
    }
    answer.push(format!("ETag: \"{}\"", &sha256[..40]));
    let packed = headers.get("accept-encoding").is_some_and(|kinds| kinds.contains("gzip"));
    let body = if packed { gzip(content) } else { content.clone() };
    answer.extend(packed.then(|| "Content-Encoding: gzip".to_owned()));
    answer.push(format!("Content-Length: {}", body.len()));
    say(stream, "200 OK", &answer, if method == "HEAD" { b"" } else { &body });
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn answer_storage(stream: &mut TcpStream, (_, path, headers): &Asked, behaviour: &Mutex<Behaviour>) {
    let mut behaviour = behaviour.lock().unwrap();
    let file = path.rsplit('/').next().unwrap_or_default();
    let Some(content) = behaviour.files.get(file) else {
        return say(stream, "404 Not Found", &["Content-Length: 0".to_owned()], b"");
    };
    let content = content[..content.len() - behaviour.short_by].to_vec();
    let range = headers.get("range").filter(|_| !behaviour.no_ranges).and_then(|range| {
        let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
        Some((from.parse::<usize>().ok()? + behaviour.late_by, to.parse().unwrap_or(usize::MAX)))
    });
    let mut answer = vec!["ETag: \"of-the-storage\"".to_owned()];
    let (status, body) = match range {
        Some((from, _)) if from >= content.len() => {
            answer.push(format!("Content-Range: bytes */{}", content.len()));
            ("416 Range Not Satisfiable", &content[..0])
        }
        Some((from, to)) => {
            let to = to.min(content.len() - 1);
            answer.push(format!("Content-Range: bytes {from}-{to}/{}", content.len()));
            ("206 Partial Content", &content[from..=to])
        }
        None => ("200 OK", &content[..]),
    };
    answer.push(format!("Content-Length: {}", body.len()));
    let drops = behaviour.drop_after.last().is_some_and(|&most| body.len() > most);
    let most = if drops { behaviour.drop_after.pop().unwrap() } else { body.len() };
    say(stream, status, &answer, &body[..most]);
}
