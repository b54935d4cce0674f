//! The flags of security: which mechanism a socket speaks, with which keys, and whom it lets in.
//!
//! Secrets come from files or the environment; where a flag can hold one, its help says so and never shows the variable's value.
//! Keys and passwords go straight into the library.

use std::path::{Path, PathBuf};

use clap::Args;
use ferrozmq::{AccessRules, Context, KeyPair, Socket, load_public_key};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Characters of a key in Z85.
const KEY_LEN: usize = 40;

/// Mechanism, keys and access control.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Security")]
pub struct SecurityFlags {
    /// Speak CURVE as the server, with the keys of --keypair
    #[arg(long)]
    pub curve_server: bool,
    /// Speak CURVE as the client of the server with this public key: 40 characters, or the file of its certificate
    #[arg(
        long,
        visible_alias = "curve-client",
        value_name = "KEY|FILE",
        env = "ZMQ_CLI_SERVER_KEY",
        hide_env_values = true,
        allow_hyphen_values = true
    )]
    pub server_key: Option<String>,
    /// Our keys: the certificate that `zmq keygen` made; a client without them takes new ones
    #[arg(
        long,
        value_name = "FILE",
        env = "ZMQ_CLI_KEYPAIR",
        hide_env_values = true,
        allow_hyphen_values = true
    )]
    pub keypair: Option<String>,
    /// Speak PLAIN as this user (everybody can see arguments: better give it by the variable)
    #[arg(
        long,
        value_name = "USER:PASSWORD",
        env = "ZMQ_CLI_PLAIN",
        hide_env_values = true,
        allow_hyphen_values = true
    )]
    pub plain: Option<String>,
    /// Speak PLAIN as the server, for the users in this file; `zmq passwd` makes its lines
    #[arg(long, value_name = "FILE", conflicts_with = "curve_server")]
    pub plain_users: Option<PathBuf>,
    /// Let in only CURVE clients with this key, or with a certificate in this file or directory; "any" for all (may be repeated)
    #[arg(long, value_name = "KEY|PATH", allow_hyphen_values = true)]
    pub allow: Vec<String>,
    /// Let in only peers from this network, such as 10.0.0.0/8, ::1 or ipc (may be repeated)
    #[arg(long, value_name = "NETWORK")]
    pub allow_net: Vec<String>,
    /// Let in nobody from this network (may be repeated)
    #[arg(long, value_name = "NETWORK")]
    pub deny_net: Vec<String>,
}

impl SecurityFlags {
    /// A context that lets in whom the flags say.
    ///
    /// # Errors
    /// [`Failure::Usage`] for a key, network or file that is none.
    pub fn context(&self) -> Result<Context, Failure> {
        let users = self.plain_users.iter().map(|path| ("plain-users", path.display().to_string()));
        let lists = [("allow", &self.allow), ("allow-net", &self.allow_net), ("deny-net", &self.deny_net)];
        let lists = lists
            .into_iter()
            .flat_map(|(name, values)| values.iter().map(move |value| (name, value.clone())));
        let mut rules = users.chain(lists).peekable();
        if rules.peek().is_none() {
            return Ok(Context::new());
        }
        let rules = rules.try_fold(AccessRules::new(), |rules, (name, value)| {
            rules.rule(name, &value).map_err(|error| usage(format!("--{name}"), error))
        })?;
        // A list of users alone says nothing of networks, nor one of networks of keys.
        let rules = match self.curve_server && self.allow.is_empty() {
            true => rules.allow_any_key(),
            false => rules,
        };
        Ok(Context::builder().access_rules(rules).build())
    }

    /// Has `socket` speak what the flags say: as the server where it `binds`, if that is wanted.
    ///
    /// # Errors
    /// [`Failure::Usage`] for keys that are none, and flags that do not go together.
    pub fn apply(&self, socket: &Socket, binds: bool) -> Result<(), Failure> {
        match () {
            () if self.curve_server && binds => {
                let keys = self.keys()?.ok_or_else(|| {
                    Failure::Usage("--curve-server needs --keypair FILE; `zmq keygen FILE` makes one".into())
                })?;
                set(socket, "curve_server", "1")?;
                set(socket, "curve_secretkey", &keys.secret_text())
            }
            () if self.plain_users.is_some() && binds => set(socket, "plain_server", "1"),
            () => self.apply_client(socket),
        }
    }

    fn apply_client(&self, socket: &Socket) -> Result<(), Failure> {
        if let Some(server) = &self.server_key {
            if self.plain.is_some() {
                return Err(Failure::Usage("a socket speaks CURVE or PLAIN: --server-key or --plain".into()));
            }
            let keys = match self.keys()? {
                Some(keys) => keys,
                None => KeyPair::generate()?,
            };
            set(socket, "curve_serverkey", &public_key(server)?)?;
            set(socket, "curve_publickey", &keys.public_text())?;
            return set(socket, "curve_secretkey", &keys.secret_text());
        }
        if let Some(credentials) = &self.plain {
            let (user, password) = credentials
                .split_once(':')
                .ok_or_else(|| Failure::Usage("--plain: write USER:PASSWORD".into()))?;
            set(socket, "plain_username", user)?;
            return set(socket, "plain_password", password);
        }
        Ok(())
    }

    fn keys(&self) -> Result<Option<KeyPair>, Failure> {
        let Some(source) = &self.keypair else { return Ok(None) };
        let keys = match source.len() {
            KEY_LEN if !Path::new(source).exists() => KeyPair::from_secret(source),
            _ => KeyPair::load(source),
        };
        keys.map(Some).map_err(|error| usage("--keypair", error))
    }
}

/// A key may begin with any letter of Z85, `@` among them: what names a file is one.
fn public_key(source: &str) -> Result<Zeroizing<String>, Failure> {
    let path = source.strip_prefix('@').filter(|path| Path::new(path).exists()).unwrap_or(source);
    let key = match path.len() {
        KEY_LEN if !Path::new(path).exists() => Ok(path.to_owned()),
        _ => load_public_key(path),
    };
    key.map(Zeroizing::new).map_err(|error| usage("--server-key", error))
}

fn set(socket: &Socket, option: &str, value: &str) -> Result<(), Failure> {
    socket.set_text(option, value).map_err(|error| Failure::Usage(error.to_string()))
}

fn usage(flag: impl std::fmt::Display, error: impl std::fmt::Display) -> Failure {
    Failure::Usage(format!("{flag}: {error}"))
}
