//! Downloads one file: an interrupted transfer is resumed, and the file is verified before it is put in place.

use super::{Pace, Request};
use crate::interrupt;
use crate::interrupt::Interrupted;
use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The maximum number of consecutive connections without data.
const TRIES: u32 = 3;
/// Downloads a file. Returns false if the complete file already exists.
///
/// Received data are stored in `TARGET.part` until they are complete and the checksum is correct. An interrupted
/// transfer is resumed from there, now or at the next call.
///
/// # Errors
/// A server that does not answer, is too slow or does not have the file; a wrong length or checksum; a full disk (no
/// file is left behind); or Ctrl-C.
pub fn download(request: &Request<'_>) -> Result<bool> {
    let target = request.target;
    if target.is_file() {
        let found = digest(crate::input::open(target)?)?;
        if found == request.sha256 {
            return Ok(false);
        }
        bail!(
            "{}: another file exists here: its SHA-256 is {found}, expected {}; move it away and fetch again",
            target.display(),
            request.sha256
        );
    }
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| format!("{}: the folder cannot be created", folder.display()))?;
    let mut part = Part::open(target)?;
    if part.length > request.bytes {
        part.clear()?;
    }
    let taken_up = part.length > 0;
    if let Err(error) = part.fill(request) {
        if part.length == 0 {
            part.remove();
        }
        return Err(error);
    }
    let mut found = digest(part.rewound()?)?;
    if found != request.sha256 && taken_up {
        // The existing data may have been the beginning of another file.
        part.clear()?;
        part.fill(request)?;
        found = digest(part.rewound()?)?;
    }
    if found != request.sha256 {
        let length = part.length;
        part.remove();
        bail!(
            "{}: the download ({length} bytes) is not the file: its SHA-256 is {found}, expected {}; it was deleted. \
             Try again, or another address with --from",
            request.url,
            request.sha256
        );
    }
    part.place(target)?;
    Ok(true)
}

/// A partial file that belongs to this user.
struct Part {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Part {
    fn open(target: &Path) -> Result<Self> {
        let mut path = target.as_os_str().to_owned();
        path.push(".part");
        let path = PathBuf::from(path);
        let failed = || format!("{}: cannot be written", path.display());
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        }
        let refused = || {
            format!(
                "{}: the download cannot be written here; if it is a link or somebody else's file, remove it",
                path.display()
            )
        };
        let mut file = options.open(&path).with_context(refused)?;
        ensure!(is_ours(&file).with_context(failed)?, "{}", refused());
        ensure!(file.try_lock().is_ok(), "{}: another program is fetching this file", path.display());
        let length = file.seek(SeekFrom::End(0)).with_context(failed)?;
        Ok(Self { path, file, length })
    }

    /// Connects until the file is complete.
    fn fill(&mut self, request: &Request<'_>) -> Result<()> {
        let mut failures = 0;
        loop {
            let before = self.length;
            let cause = match self.connect(request) {
                Ok(true) => return Ok(()),
                Ok(false) => anyhow::anyhow!("the server ends the transfer before the end of the file"),
                Err(Stop::Final(error)) => return Err(error),
                Err(Stop::Connection(cause)) => cause,
            };
            // A server that sends almost nothing per connection counts as unavailable.
            failures = if self.length.saturating_sub(before) >= request.pace.bytes { 0 } else { failures + 1 };
            if failures >= TRIES {
                let kept = if self.length > 0 {
                    "; what was received is kept, and the next fetch continues from there"
                } else {
                    ""
                };
                return Err(cause.context(format!("{}: {} bytes were received{kept}", request.url, self.length)));
            }
            std::thread::sleep(Duration::from_millis(100 << failures));
        }
    }

    /// One connection. Returns whether the file is complete after it.
    fn connect(&mut self, request: &Request<'_>) -> Result<bool, Stop> {
        match self.ask(request)? {
            Some(body) => self.receive(body, request),
            None => Ok(true),
        }
    }

    /// The server's answer from the first missing byte on. None if the file is complete, or longer than the server's.
    fn ask(&mut self, request: &Request<'_>) -> Result<Option<ureq::Body>, Stop> {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(request.pace.silence))
            .timeout_recv_response(Some(request.pace.silence))
            .timeout_per_read(Some(request.pace.silence))
            .build();
        let mut call = ureq::Agent::new_with_config(config).get(request.url);
        if self.length > 0 {
            call = call.header("Range", format!("bytes={}-", self.length));
        }
        let response = call.call().map_err(|error| Stop::of(error, request.url))?;
        let status = response.status().as_u16();
        match status {
            200 if self.length > 0 => self.clear().map_err(Stop::Final)?,
            200 | 206 => {}
            // The range is empty.
            416 => return Ok(None),
            500.. => return Err(Stop::Connection(anyhow::anyhow!("the server answers {status}"))),
            _ => {
                return Err(Stop::Final(anyhow::anyhow!(
                    "{}: the server answers {status}; another address can be given with --from",
                    request.url
                )));
            }
        }
        let total = response.body().content_length().map(|rest| rest.saturating_add(self.length));
        if let Some(total) = total.filter(|&total| total != request.bytes) {
            let failed = anyhow::anyhow!(
                "{}: the server has a file of {total} bytes, expected {}; another address can be given with --from",
                request.url,
                request.bytes
            );
            return Err(Stop::Final(failed));
        }
        Ok(Some(response.into_body()))
    }

    /// Appends what the server sends. Returns whether the file is complete after it.
    fn receive(&mut self, body: ureq::Body, request: &Request<'_>) -> Result<bool, Stop> {
        let mut body = body.into_reader();
        let mut buffer = vec![0; 1 << 16];
        let mut window = Window::new(request.pace);
        loop {
            if interrupt::asked() {
                return Err(Stop::Final(Interrupted.into()));
            }
            let count = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(Stop::Connection(error.into())),
            };
            if self.length + count as u64 > request.bytes {
                self.remove();
                let failed = anyhow::anyhow!(
                    "{}: the server sends more than the {} bytes of the file; the download was deleted. Another address \
                     can be given with --from",
                    request.url,
                    request.bytes
                );
                return Err(Stop::Final(failed));
            }
            self.append(&buffer[..count]).map_err(Stop::Final)?;
            (request.progress)(self.length, Some(request.bytes));
            window.count(count).map_err(Stop::Connection)?;
        }
        Ok(self.length == request.bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if let Err(error) = self.file.write_all(bytes) {
            let failed = format!(
                "{}: cannot be written after {} bytes; free some space, or choose another place with --to",
                self.path.display(),
                self.length
            );
            self.remove();
            return Err(error).context(failed);
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn clear(&mut self) -> Result<()> {
        let failed = || format!("{}: cannot be written", self.path.display());
        self.file.set_len(0).with_context(failed)?;
        self.file.rewind().with_context(failed)?;
        self.length = 0;
        Ok(())
    }

    fn rewound(&mut self) -> Result<&mut File> {
        self.file.rewind().with_context(|| format!("{}: cannot be read", self.path.display()))?;
        Ok(&mut self.file)
    }

    fn remove(&self) {
        fs::remove_file(&self.path).ok();
    }

    fn place(self, target: &Path) -> Result<()> {
        let failed = || format!("{}: cannot be put in place", target.display());
        self.file.sync_all().with_context(failed)?;
        ensure!(
            self.is_at_its_path().with_context(failed)?,
            "{}: something else was put there during the transfer",
            self.path.display()
        );
        fs::rename(&self.path, target).with_context(failed)
    }

    #[cfg(unix)]
    fn is_at_its_path(&self) -> std::io::Result<bool> {
        use std::os::unix::fs::MetadataExt;
        let (ours, there) = (self.file.metadata()?, fs::symlink_metadata(&self.path)?);
        Ok((ours.dev(), ours.ino()) == (there.dev(), there.ino()))
    }

    #[cfg(not(unix))]
    fn is_at_its_path(&self) -> std::io::Result<bool> {
        Ok(!fs::symlink_metadata(&self.path)?.is_symlink())
    }
}

/// Checks that it is a regular file of this user without other hard links.
#[cfg(unix)]
fn is_ours(file: &File) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let about = file.metadata()?;
    // SAFETY: asks for a number, and cannot fail.
    let user = unsafe { libc::geteuid() };
    Ok(about.is_file() && about.nlink() == 1 && about.uid() == user)
}

#[cfg(not(unix))]
fn is_ours(file: &File) -> std::io::Result<bool> {
    Ok(file.metadata()?.is_file())
}

/// Measures the bytes received per time window.
struct Window {
    pace: Pace,
    begun: Instant,
    bytes: u64,
}

impl Window {
    fn new(pace: Pace) -> Self {
        Self { pace, begun: Instant::now(), bytes: 0 }
    }

    /// # Errors
    /// Too few bytes in a whole window.
    fn count(&mut self, bytes: usize) -> Result<()> {
        self.bytes += bytes as u64;
        let elapsed = self.begun.elapsed();
        if elapsed < self.pace.window {
            return Ok(());
        }
        let (came, seconds) = (self.bytes, elapsed.as_secs_f64());
        *self = Self::new(self.pace);
        ensure!(came >= self.pace.bytes, "only {came} bytes were received in {seconds:.0} seconds");
        Ok(())
    }
}

/// The reason for the end of a connection.
enum Stop {
    /// A retry may succeed.
    Connection(anyhow::Error),
    Final(anyhow::Error),
}

impl Stop {
    fn of(error: ureq::Error, url: &str) -> Self {
        match error {
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                Self::Final(anyhow::Error::new(error).context(format!("{url}: not the address of a file")))
            }
            error => Self::Connection(error.into()),
        }
    }
}

fn digest(mut file: impl Read) -> Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).context("the file cannot be read back")? {
            0 => return Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            count => hasher.update(&buffer[..count]),
        }
    }
}
