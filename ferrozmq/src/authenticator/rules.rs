//! Rules with the files they name, which are read again when they have changed.
//!
//! Files are looked at on the deciding thread, at most once in [`LOOK`]. What cannot be read when the rules are made is an error;
//! what cannot be read later lets nobody in, and is told with each refusal, until it can be read again.

use crate::error::{Error, ErrorKind, Result};
use crate::sync::Mutex;
use crate::sys::clock;
use ferrozmq_proto::access::{
    AccessAnswer, AccessRequest, Certificate, FILE_MAX, Rule, Rulebook, Rules, Ruling, Users,
};
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How often files are looked at, at most.
const LOOK: Duration = Duration::from_millis(500);

/// Whom to let in where no ZAP handler is bound: keys, users with their passwords, networks.
///
/// Networks come first: a denied one keeps out, and where some are allowed the others are denied. Then a peer needs a listed key
/// (CURVE) or a user's password (PLAIN); one with neither (NULL) is let in where there are rules about networks, and else
/// not. Nobody is let in for want of a rule. Certificates and tables are read again when they change, which counts
/// for peers that come then.
///
/// ```
/// use ferrozmq::{AccessRules, Context};
/// # fn main() -> ferrozmq::Result<()> {
/// let rules = AccessRules::new()
///     .allow_key("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7")?
///     .allow_network("10.0.0.0/8")?
///     .deny_network("10.6.6.6")?;
/// let context = Context::builder().access_rules(rules).build();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct AccessRules {
    rules: Vec<Rule>,
    file: Option<PathBuf>,
}

impl AccessRules {
    /// No rule yet: nobody is let in.
    #[must_use]
    pub fn new() -> AccessRules {
        AccessRules::default()
    }

    /// The rules in a file, one a line: `allow KEY` or `allow PATH` or `allow any`, `plain-users PATH`, `allow-net NETWORK`,
    /// `deny-net NETWORK`. Paths in it are relative to where it is. It is read again when it changes.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid), or what the system says, with the file and line: of it, and of what it names.
    pub fn from_file(path: impl Into<PathBuf>) -> Result<AccessRules> {
        AccessRules::in_file(path.into()).checked()
    }

    pub(super) fn in_file(path: PathBuf) -> AccessRules {
        AccessRules { rules: Vec::new(), file: Some(path) }
    }

    /// Lets clients with this public key in: 40 characters of Z85.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid), if it is no key.
    pub fn allow_key(self, key: &str) -> Result<AccessRules> {
        match Rule::new("allow", key) {
            Ok(rule @ Rule::AllowKey(_)) => self.with(rule),
            _ => Err(Error::new(ErrorKind::Invalid, "a key of CURVE is 40 characters of Z85")),
        }
    }

    /// Lets clients with any key in: they are encrypted, and anybody.
    #[must_use]
    pub fn allow_any_key(mut self) -> AccessRules {
        self.rules.push(Rule::AllowAnyKey);
        self
    }

    /// Lets the owners of certificates in, in CZMQ's format: of the one in this file, or of those in this directory. What is
    /// no certificate there is passed over. Their metadata become properties of their messages.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) file, or what the system says.
    pub fn allow_certificates(self, path: impl AsRef<Path>) -> Result<AccessRules> {
        self.with(Rule::AllowCertificates(utf8(path.as_ref())?))
    }

    /// Lets users of PLAIN in that have a line `name:hash` in this file; see [`hash_password`](crate::hash_password).
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) file, or what the system says.
    pub fn plain_users(self, path: impl AsRef<Path>) -> Result<AccessRules> {
        self.with(Rule::PlainUsers(utf8(path.as_ref())?))
    }

    /// Lets peers in only from this network (or another that is allowed): `10.0.0.0/8`, `::1`, or `ipc` for those of ipc.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid), if it is no network.
    pub fn allow_network(self, network: &str) -> Result<AccessRules> {
        self.rule("allow-net", network)
    }

    /// Lets no peers in from this network.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid), if it is no network.
    pub fn deny_network(self, network: &str) -> Result<AccessRules> {
        self.rule("deny-net", network)
    }

    /// Adds a rule as a line of a file says it.
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file).
    pub fn rule(self, name: &str, value: &str) -> Result<AccessRules> {
        let rule = Rule::new(name, value);
        self.with(rule.map_err(|what| Error::new(ErrorKind::Invalid, format!("{name} {value}: {what}")))?)
    }

    fn with(mut self, rule: Rule) -> Result<AccessRules> {
        self.rules.push(rule);
        self.checked()
    }

    /// The same rules, if all that they name can be read.
    fn checked(self) -> Result<AccessRules> {
        let read = Reading::of(&self);
        read.trouble.map_or(Ok(self), Err)
    }

    pub(super) fn into_book(self) -> Book {
        let now = Now { reading: Arc::new(Reading::of(&self)), looked: clock::now() };
        Book { source: self, now: Mutex::new(now) }
    }
}

/// Rules in force.
pub(super) struct Book {
    source: AccessRules,
    now: Mutex<Now>,
}

struct Now {
    reading: Arc<Reading>,
    looked: Instant,
}

impl Book {
    pub(super) fn decide(&self, request: &AccessRequest) -> Ruling {
        let reading = self.current();
        match (reading.rules.decide(request), &reading.trouble) {
            (Ruling::Answer(answer), Some(trouble)) if !answer.is_granted() => {
                let (_, reason) = answer.into_parts();
                let reason = reason.unwrap_or_default();
                Ruling::Answer(AccessAnswer::deny(format!("{reason} (and {trouble})")))
            }
            (ruling, _) => ruling,
        }
    }

    fn current(&self) -> Arc<Reading> {
        let mut now = self.now.lock();
        let time = clock::now();
        if time.saturating_duration_since(now.looked) >= LOOK {
            if now.reading.is_outdated() {
                now.reading = Arc::new(Reading::of(&self.source));
            }
            now.looked = time;
        }
        Arc::clone(&now.reading)
    }
}

/// What the files said when they were read.
#[derive(Default)]
struct Reading {
    rules: Rules,
    /// The files and directories that were read, and how they were then.
    seen: Vec<(PathBuf, Option<Mark>)>,
    /// The first thing that could not be read.
    trouble: Option<Error>,
}

/// By what a change of a file is noticed.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Mark {
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

impl Mark {
    fn of(path: &Path) -> Option<Mark> {
        let facts = fs::metadata(path).ok()?;
        Some(Mark { inode: facts.ino(), size: facts.size(), changed: (facts.mtime(), facts.mtime_nsec()) })
    }
}

impl Reading {
    fn of(source: &AccessRules) -> Reading {
        let mut reading = Reading::default();
        if let Some(path) = &source.file {
            let folder = path.parent().unwrap_or(Path::new(""));
            let rules = reading.read(path, Rulebook::parse).map(|book| book.rules).unwrap_or_default();
            rules.iter().for_each(|rule| reading.apply(rule, folder));
        }
        source.rules.iter().for_each(|rule| reading.apply(rule, Path::new("")));
        reading
    }

    fn apply(&mut self, rule: &Rule, folder: &Path) {
        match rule {
            Rule::AllowKey(key) => self.rules.keys.allow(*key),
            Rule::AllowAnyKey => self.rules.keys.any = true,
            Rule::AllowCertificates(path) => self.certificates(&folder.join(path)),
            Rule::PlainUsers(path) => {
                let users = self.read(&folder.join(path), Users::parse);
                self.rules.users.merge(users.unwrap_or_default());
            }
            Rule::AllowNetwork(network) => self.rules.allowed.push(*network),
            Rule::DenyNetwork(network) => self.rules.denied.push(*network),
        }
    }

    fn certificates(&mut self, path: &Path) {
        if !path.is_dir() {
            if let Some(certificate) = self.read(path, Certificate::parse) {
                self.rules.keys.allow_owner(certificate);
            }
            return;
        }
        self.seen.push((path.to_owned(), Mark::of(path)));
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => return self.trouble_with(path, ErrorKind::Io, &error.to_string()),
        };
        for file in entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|file| file.is_file()) {
            self.seen.push((file.clone(), Mark::of(&file)));
            let certificate = read_file(&file).ok().and_then(|text| Certificate::parse(&text).ok());
            if let Some(certificate) = certificate {
                self.rules.keys.allow_owner(certificate);
            }
        }
    }

    fn read<T, E: ToString>(
        &mut self,
        path: &Path,
        parse: impl Fn(&[u8]) -> std::result::Result<T, E>,
    ) -> Option<T> {
        // Before it is read: a change in between is then noticed.
        self.seen.push((path.to_owned(), Mark::of(path)));
        let parsed = match read_file(path) {
            Ok(text) => parse(&text).map_err(|error| (ErrorKind::Invalid, error.to_string())),
            Err(error) => Err((ErrorKind::Io, error.to_string())),
        };
        parsed.map_err(|(kind, what)| self.trouble_with(path, kind, &what)).ok()
    }

    fn trouble_with(&mut self, path: &Path, kind: ErrorKind, what: &str) {
        self.trouble.get_or_insert_with(|| Error::new(kind, format!("{}: {what}", path.display())));
    }

    fn is_outdated(&self) -> bool {
        self.seen.iter().any(|(path, mark)| Mark::of(path) != *mark)
    }
}

/// A file's text, which may have a secret key in it.
pub(crate) fn read_file(path: &Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::new());
    let limit = FILE_MAX as u64 + 1;
    File::open(path)?.take(limit).read_to_end(&mut text)?;
    if text.len() > FILE_MAX {
        return Err(std::io::Error::other("it has more than a mebibyte, which no such file has"));
    }
    Ok(text)
}

fn utf8(path: &Path) -> Result<String> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| Error::new(ErrorKind::Invalid, format!("{}: the path is not UTF-8", path.display())))
}
