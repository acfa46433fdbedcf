//! The lines of a file, each of bounded length.

use std::io::{self, BufRead, BufReader, Read};

/// Maximum length of a line, in bytes; a longer one is skipped and reported. Far more than any server accepts.
pub const LINE_BYTES_MAX: usize = 32 << 20;

/// Whether a line is blank.
pub fn is_blank(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_whitespace)
}

/// A line of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// The line number, from 1.
    pub number: u64,
    /// Its bytes without the line ending; for a line that is too long, only their number.
    pub text: Result<Vec<u8>, u64>,
    /// The number of bytes that the line takes in the file.
    pub length_bytes: u64,
}

/// The lines of a reader.
pub struct Lines<R> {
    reader: BufReader<R>,
    number: u64,
    line_bytes_max: usize,
}

impl<R: Read> Lines<R> {
    /// Reads lines from `reader`, numbered from 1.
    pub fn new(reader: R) -> Self {
        Lines {
            reader: BufReader::with_capacity(256 << 10, reader),
            number: 0,
            line_bytes_max: LINE_BYTES_MAX,
        }
    }

    /// Whether the next line is available without reading from the file.
    pub fn more_at_hand(&self) -> bool {
        self.reader.buffer().contains(&b'\n')
    }

    /// Returns the next line; `None` at the end.
    fn read(&mut self) -> io::Result<Option<Line>> {
        self.number += 1;
        let mut text = Vec::new();
        let most = self.line_bytes_max as u64 + 1;
        let mut length_bytes = (&mut self.reader).take(most).read_until(b'\n', &mut text)? as u64;
        if length_bytes == 0 {
            return Ok(None);
        }
        if text.last() == Some(&b'\n') {
            text.pop();
        } else if length_bytes == most {
            length_bytes += self.skip()?;
            return Ok(Some(Line {
                number: self.number,
                text: Err(length_bytes),
                length_bytes,
            }));
        }
        if self.number == 1 && text.starts_with(b"\xef\xbb\xbf") {
            text.drain(..3);
        }
        Ok(Some(Line {
            number: self.number,
            text: Ok(text),
            length_bytes,
        }))
    }

    /// Skips the rest of a line.
    fn skip(&mut self) -> io::Result<u64> {
        let mut skipped = 0;
        loop {
            let buffer = self.reader.fill_buf()?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let passed = end.map_or(buffer.len(), |end| end + 1);
            let done = end.is_some() || buffer.is_empty();
            self.reader.consume(passed);
            skipped += passed as u64;
            if done {
                return Ok(skipped);
            }
        }
    }
}

impl<R: Read> Iterator for Lines<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Lines};

    #[test]
    fn lines_are_numbered_and_bounded() {
        let file = "\u{feff}one\n\ntwo and more\nthree";
        let lines = Lines {
            line_bytes_max: 6,
            ..Lines::new(file.as_bytes())
        };
        let read: Vec<_> = lines.map(Result::unwrap).collect();
        let line = |number, text: Result<&str, u64>, length_bytes| Line {
            number,
            text: text.map(|text| text.as_bytes().to_vec()),
            length_bytes,
        };
        let expected = [
            line(1, Ok("one"), 7),
            line(2, Ok(""), 1),
            line(3, Err(13), 13),
            line(4, Ok("three"), 5),
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn the_lengths_add_up_to_the_file() {
        let file = "a\nbb\r\n".repeat(10);
        let sum: u64 = Lines::new(file.as_bytes())
            .map(|line| line.unwrap().length_bytes)
            .sum();
        assert_eq!(sum, file.len() as u64);
    }
}
