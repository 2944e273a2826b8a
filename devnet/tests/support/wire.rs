//! Clients that do no more than they must, and are as rude as a test needs.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// A server that does not answer for this long hangs: the test fails rather than waiting for ever.
const HANGS: Duration = Duration::from_mins(5);

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(HANGS))?;
    Ok(stream)
}

/// Reads a status line and headers, up to the empty line; returns the status and the value of `content-length`.
fn read_head(reader: &mut impl BufRead) -> io::Result<(u16, usize)> {
    let (mut status, mut length) = (0, 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            return Ok((status, length));
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        } else if let Some(rest) = line.strip_prefix("http/1.1 ") {
            let code = rest.split(' ').next().unwrap_or_default();
            status = code.parse().map_err(io::Error::other)?;
        }
    }
}

/// The head of a request with a body of `length` bytes.
pub(crate) fn head(length: usize) -> String {
    format!(
        "POST / HTTP/1.1\r\nhost: devnet\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    )
}

/// A request as text.
pub(crate) fn request(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
}

/// One HTTP connection, kept open.
pub(crate) struct Connection {
    reader: BufReader<TcpStream>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            reader: BufReader::new(connect(address)?),
        })
    }

    /// Sends bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }

    /// Reads one answer: status and body.
    pub(crate) fn read(&mut self) -> io::Result<(u16, Vec<u8>)> {
        let (status, length) = read_head(&mut self.reader)?;
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body)?;
        Ok((status, body))
    }

    /// Whether the server has closed it, once everything that it sent has been read.
    pub(crate) fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.reader.read_to_end(&mut rest) {
            Ok(_) => true,
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }

    /// Sends a body and returns status and body of the response.
    pub(crate) fn post(&mut self, body: &[u8]) -> io::Result<(u16, Vec<u8>)> {
        let mut request = head(body.len()).into_bytes();
        request.extend_from_slice(body);
        self.write(&request)?;
        self.read()
    }

    /// Sends a request and returns the response's body.
    pub(crate) fn call(&mut self, method: &str, params: &str) -> String {
        let (_, body) = self
            .post(request(method, params).as_bytes())
            .expect("the server answers");
        String::from_utf8(body).expect("text")
    }
}

/// A message on a WebSocket.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Message {
    Text(String),
    Closed,
}

/// One WebSocket.
pub(crate) struct WebSocket {
    reader: BufReader<TcpStream>,
}

impl WebSocket {
    /// Connects; the error is the status of a server that refuses.
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let mut reader = BufReader::new(connect(address)?);
        reader.get_mut().write_all(
            b"GET / HTTP/1.1\r\nhost: devnet\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
              sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )?;
        match read_head(&mut reader)? {
            (101, _) => Ok(Self { reader }),
            (status, _) => Err(io::Error::other(format!("status {status}"))),
        }
    }

    /// Sends a text, masked with zeros.
    pub(crate) fn send(&mut self, text: &[u8]) -> io::Result<()> {
        let mut frame = vec![0x81];
        match text.len() {
            length @ 0..=125 => frame.push(0x80 | u8::try_from(length).expect("below 126")),
            length => {
                frame.push(0xff);
                frame.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(text);
        self.write(&frame)
    }

    /// Sends bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }

    /// The next message; pings are skipped.
    pub(crate) fn receive(&mut self) -> io::Result<Message> {
        let mut text = Vec::new();
        loop {
            let mut start = [0; 2];
            if let Err(error) = self.reader.read_exact(&mut start) {
                return match error.kind() {
                    io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                        Ok(Message::Closed)
                    }
                    _ => Err(error),
                };
            }
            let [kind, length] = start;
            let mut length = u64::from(length & 0x7f);
            if length >= 126 {
                let mut long = [0; 8];
                let from = if length == 126 { 6 } else { 0 };
                self.reader.read_exact(&mut long[from..])?;
                length = u64::from_be_bytes(long);
            }
            let mut payload = vec![0; usize::try_from(length).map_err(io::Error::other)?];
            self.reader.read_exact(&mut payload)?;
            match kind & 0x0f {
                0 | 1 => {
                    text.extend(payload);
                    if kind & 0x80 != 0 {
                        let text = String::from_utf8(text).map_err(io::Error::other)?;
                        return Ok(Message::Text(text));
                    }
                }
                8 => return Ok(Message::Closed),
                _ => {}
            }
        }
    }

    /// Sends a request and returns the next message.
    pub(crate) fn call(&mut self, method: &str, params: &str) -> Message {
        self.send(request(method, params).as_bytes())
            .expect("the server reads");
        self.receive().expect("the server answers")
    }
}
