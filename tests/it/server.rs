//! A server on loopback that answers as a test wants, hostile ones among them.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

/// What somebody asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// How often this path was asked for before.
    pub(crate) before: usize,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// How it is answered: pieces that are sent one after the other, each after a pause, and then the connection is closed.
pub(crate) struct Reply(Vec<(Duration, Vec<u8>)>);

impl Reply {
    /// An answer with further lines of its head.
    pub(crate) fn new(status: &str, head: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let mut bytes =
            format!("HTTP/1.1 {status}\r\n{head}content-length: {}\r\nconnection: close\r\n\r\n", body.len())
                .into_bytes();
        bytes.extend(body);
        Self::raw(bytes)
    }

    pub(crate) fn json(body: impl Into<Vec<u8>>) -> Self {
        Self::new("200 OK", "content-type: application/json; charset=utf-8\r\n", body)
    }

    pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self(vec![(Duration::ZERO, bytes.into())])
    }

    /// The same, piece by piece.
    pub(crate) fn slowly(self, pause: Duration, size: usize) -> Self {
        let bytes: Vec<u8> = self.0.into_iter().flat_map(|(_, bytes)| bytes).collect();
        Self(bytes.chunks(size).map(|piece| (pause, piece.to_vec())).collect())
    }

    /// The same after a pause.
    pub(crate) fn after(mut self, pause: Duration) -> Self {
        self.0.insert(0, (pause, Vec::new()));
        self
    }
}

/// It lives as long as the test program.
pub(crate) struct Server {
    pub(crate) origin: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let origin = format!("http://{}", listener.local_addr().expect("it has an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (all, answer) = (Arc::clone(&asked), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (all, answer) = (Arc::clone(&all), Arc::clone(&answer));
                thread::spawn(move || serve(stream, &all, answer.as_ref()));
            }
        });
        Self { origin, asked }
    }

    /// All that was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// An address where nobody listens.
pub(crate) fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    format!("http://{}", listener.local_addr().expect("it has an address"))
}

fn serve(mut stream: TcpStream, all: &Mutex<Vec<Asked>>, answer: &dyn Fn(&Asked) -> Reply) {
    let Some(mut asked) = read(&mut stream) else { return };
    {
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        asked.before = all.iter().filter(|other| other.path == asked.path).count();
        all.push(asked.clone());
    }
    for (pause, bytes) in answer(&asked).0 {
        thread::sleep(pause);
        // Whoever asked may have gone.
        if stream.write_all(&bytes).is_err() {
            return;
        }
    }
}

fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let head = loop {
        let count = stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&buffer[..count]);
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let mut lines = text.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = bytes.split_off(head + 4);
    while body.len() < length.unwrap_or(0) {
        let count = stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
        body.extend_from_slice(&buffer[..count]);
    }
    Some(Asked { method, path, headers, body: String::from_utf8_lossy(&body).into_owned(), before: 0 })
}
