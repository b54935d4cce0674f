//! The command line: which verbs there are, which groups of flags each takes, and examples of each.
//!
//! The flags themselves are in [`flags`](crate::flags); the examples in the help texts are run by a test. A field `{n}` is
//! written there with an escape sequence in the middle, which is never printed: clap would take it for a line's end.

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use ferrozmq::SocketType;

use crate::bench::BenchArgs;
use crate::demo::{DemoArgs, PartArgs};
use crate::flags::{
    EchoFlags, ExecFlags, FramingFlags, PlaceFlags, SendFlags, ShowFlags, StopFlags, SubscribeFlags,
    TalkFlags, ToFlags,
};
use crate::top::TopArgs;
use crate::verbs::probe::ProbeArgs;
use crate::verbs::proxy::ProxyArgs;
use crate::verbs::record::RecordArgs;
use crate::verbs::replay::ReplayArgs;
use crate::verbs::run::RunArgs;

/// Send, receive, serve, proxy, watch and measure ZeroMQ from a terminal.
#[derive(Parser, Debug)]
#[command(name = "zmq", version, max_term_width = 100, arg_required_else_help = true, after_help = OVERVIEW)]
pub struct Cli {
    #[command(flatten)]
    pub talk: TalkFlags,
    #[command(subcommand)]
    pub verb: Verb,
}

const OVERVIEW: &str = "\
Standard output is data, standard error is talk.
Exit codes: 0 ok, 1 error, 2 usage, 3 time-out, 4 refused by security, 5 --exec failed, 130 Ctrl-C.

Two terminals:
  zmq rep -b :5555 --exec 'tr a-z A-Z'
  zmq req -c :5555 hello
Everything at once:
  zmq demo";

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Ask: send a request, print its reply
    #[command(
        after_help = "Examples:\n  zmq req -c :5555 hello\n  zmq req -c tcp://host:5555 -t 2s -J ping\n  \
        seq 3 | zmq req -c /tmp/calc.sock\n  zmq req -c :5555 -n 5 -i 1s --template 'ping {\u{1b}[0mn}'"
    )]
    Req(TwoWayArgs),
    /// Answer: print each request, send a reply
    #[command(after_help = "Examples:\n  zmq rep -b :5555 world\n  zmq rep -b :5555 --echo\n  \
        zmq rep -b :5555 --exec 'tr a-z A-Z'\n  zmq rep -b :5555          (type the replies)")]
    Rep(EchoingArgs),
    /// Ask without waiting for replies: send and receive in any order
    #[command(
        after_help = "Examples:\n  zmq dealer -c :5555 -n 1 '' hello\n  zmq dealer -b :5556 -J --until-gone\n  \
        printf 'a\\nb\\n' | zmq dealer -c :5555 -t 1s"
    )]
    Dealer(EchoingArgs),
    /// Serve many: the first part of each message is the peer's routing id
    #[command(
        after_help = "Examples:\n  zmq router -b :5555 --echo\n  zmq router -b :5555 --to alice hello\n  \
        zmq router -b :5555 --exec 'tr a-z A-Z'\n  zmq router -b :5555 -J -n 3 </dev/null"
    )]
    Router(RouterArgs),
    /// Publish to all subscribers
    #[command(after_help = "Examples:\n  zmq pub -b :5556 news 'hello world'\n  \
        zmq pub -b :5556 -i 1s --template weather '{ts} {\u{1b}[0mn}'\n  zmq sub -c :5556 -J | zmq pub -b :5557 -J\n  \
        tail -f log | zmq pub -b @log --wait-peer=0")]
    Pub(SenderArgs),
    /// Subscribe to publishers
    #[command(after_help = "Examples:\n  zmq sub -c :5556\n  zmq sub -c :5556 -s news -s weather -n 10\n  \
        zmq sub -c @log --for 1m -f '%t %s\\n'\n  zmq sub -c :5556 --exec 'logger -t news'")]
    Sub(SubArgs),
    /// Publish, and see subscriptions as messages (\x01topic, \x00topic)
    #[command(
        after_help = "Examples:\n  zmq xpub -b :5556\n  zmq xpub -b :5556 -o xpub_verbose=on -J </dev/null"
    )]
    Xpub(TwoWayArgs),
    /// Subscribe by sending subscriptions as messages (\x01topic, \x00topic)
    #[command(
        after_help = "Examples:\n  zmq xsub -c :5556 -s news\n  printf '\\\\x01news\\n' | zmq xsub -c :5556 -e"
    )]
    Xsub(XsubArgs),
    /// Hand out work, in turn to each peer
    #[command(
        after_help = "Examples:\n  zmq push -c :5557 hello\n  seq 10 | zmq push -b :5557 --wait-peer=2\n  \
        zmq push -c :5557 -F picture.png name\n  zmq push -b :5557 --rate 10k/s -n 1M --template '{\u{1b}[0mn}'"
    )]
    Push(SenderArgs),
    /// Collect work from all peers
    #[command(after_help = "Examples:\n  zmq pull -b :5557\n  zmq pull -b :5557 -n 1 -r > picture.png\n  \
        zmq pull -c :5557 -J --until-gone\n  zmq pull -b :5557 --exec 'wc -c'")]
    Pull(ReceiverArgs),
    /// Talk with exactly one peer
    #[command(
        after_help = "Examples:\n  zmq pair -b :5558\n  zmq pair -c :5558          (type; both sides see both)\n  \
        zmq pair -c :5558 -n 1 hello"
    )]
    Pair(EchoingArgs),
    /// Speak raw TCP: the first part is the connection's routing id, an empty part opens and closes
    #[command(after_help = "Examples:\n  zmq stream -b :8080 -J </dev/null\n  zmq stream -b :7 --echo")]
    Stream(RouterArgs),
    /// Send on a socket of a given type
    #[command(
        after_help = "Examples:\n  zmq send -t push -c :5557 hello\n  zmq send -t pub -b :5556 -F news.txt"
    )]
    Send(SendArgs),
    /// Receive on a socket of a given type
    #[command(
        after_help = "Examples:\n  zmq recv -t pull -b :5557 -n 1\n  zmq recv -t sub -c :5556 -s news -J"
    )]
    Recv(RecvArgs),
    /// Pass messages between two sockets, for any number of peers on both sides
    #[command(after_help = "Examples:\n  zmq proxy --front :5555 --back :5556\n  \
        zmq proxy --kind forwarder --front :5557 --back :5558 --stats 1s\n  \
        zmq proxy --kind streamer --front :5559 --back /tmp/work --capture @tap")]
    Proxy(ProxyArgs),
    /// Run a socket and print what happens to its connections
    #[command(after_help = "Examples:\n  zmq monitor -t sub -c :5556\n  zmq monitor -t rep -b :5555 -J")]
    Monitor(MonitorArgs),
    /// See what the sockets of running processes do: queues, rates, losses, peers
    #[command(
        after_help = "Examples:\n  zmq top\n  zmq top 4711 --interval 2s\n  zmq top --once\n  zmq top --once -J\n  \
        zmq top --prometheus 127.0.0.1:9464\nA process is seen if it was started with FERROZMQ_TOP=1, or asked for a window itself."
    )]
    Top(TopArgs),
    /// Store what a socket receives in a file, with its times
    #[command(after_help = "Examples:\n  zmq record -t sub -c :5556 -s news news.zmqrec\n  \
        zmq record -t pull -b :5557 --for 1m work.zmqrec\nCtrl-C ends it; what was received until then is in the file.")]
    Record(RecordArgs),
    /// Send what was recorded, at its own pace or another
    #[command(after_help = "Examples:\n  zmq replay -t pub -b :5556 news.zmqrec\n  \
        zmq replay -t push -c :5557 -x 10x --loop 3 work.zmqrec\n  zmq replay -t pub -b :5556 -x max news.zmqrec")]
    Replay(ReplayArgs),
    /// Say what this system offers, and try every transport
    #[command(after_help = "Examples:\n  zmq doctor\n  zmq doctor --quiet && echo healthy")]
    Doctor,
    /// Say what answers at an endpoint: version, mechanism, socket type, and why a handshake fails
    #[command(
        after_help = "Examples:\n  zmq probe :5555\n  zmq probe tcp://host:5555 --server-key server.cert\n  \
        zmq probe /tmp/calc.sock -J\nWith PLAIN or CURVE the probe is a peer for a moment, and a PUSH or DEALER may send it a message."
    )]
    Probe(ProbeArgs),
    /// Make a pair of CURVE keys
    #[command(after_help = "Examples:\n  zmq keygen server.cert\n  zmq keygen\n  \
        zmq rep -b :5555 --echo --curve-server --keypair server.cert\n  \
        zmq req -c :5555 --server-key server.cert hello\n\
        The secret key is in FILE_secret, which only you may read. Without FILE both keys are printed.")]
    Keygen {
        /// Where the public certificate goes
        file: Option<std::path::PathBuf>,
    },
    /// Make a line for a table of PLAIN's users
    #[command(after_help = "Examples:\n  zmq passwd anna >> users\n  echo sesame | zmq passwd anna\n\
        The password is typed, piped, or in ZMQ_CLI_PASSWORD; --plain-users reads the table.")]
    Passwd {
        /// The user's name
        user: String,
    },
    /// Run a program that uses libzmq on this library instead
    #[command(after_help = "Examples:\n  zmq run -- python3 server.py\n  \
        zmq run --lib /opt/ferrozmq/lib -- ./client --verbose\nStatically linked programs cannot be run so.")]
    Run(RunArgs),
    /// Measure latency or throughput
    #[command(
        after_help = "Examples:\n  zmq bench lat\n  zmq bench thr -s 32,1k,64k --over tcp,ipc,inproc\n  \
        zmq bench thr -z 5s -J\nBeside another library, in turns A B B A, whole processes each:\n  \
        zmq bench lat --lib /usr/lib/x86_64-linux-gnu/libzmq.so.5\n  \
        zmq bench lat --lib libzmq.so.5 --rate 10k/s\nBoth ends yourself, even on two machines (or with libzmq's local_lat and remote_thr):\n  \
        zmq bench lat -b :5555\n  zmq bench lat -c host:5555 -s 64"
    )]
    Bench(BenchArgs),
    /// Print the completions of a shell
    #[command(after_help = "Examples:\n  zmq completions bash > /etc/bash_completion.d/zmq\n  \
        zmq completions fish | source")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Watch ZeroMQ's four classic conversations, between processes and between threads
    #[command(after_help = "Examples:\n  zmq demo\n  zmq demo --over ipc pipeline")]
    Demo(DemoArgs),
    /// One participant of the demonstration
    #[command(hide = true)]
    DemoPart(PartArgs),
}

/// Flags of sockets that only send.
#[derive(Args, Debug)]
pub struct SenderArgs {
    #[command(flatten)]
    pub place: PlaceFlags,
    #[command(flatten)]
    pub send: SendFlags,
    #[command(flatten)]
    pub framing: FramingFlags,
    #[command(flatten)]
    pub stop: StopFlags,
}

/// Flags of sockets that only receive.
#[derive(Args, Debug)]
pub struct ReceiverArgs {
    #[command(flatten)]
    pub place: PlaceFlags,
    #[command(flatten)]
    pub show: ShowFlags,
    #[command(flatten)]
    pub framing: FramingFlags,
    #[command(flatten)]
    pub exec: ExecFlags,
    #[command(flatten)]
    pub stop: StopFlags,
}

/// Flags of `sub`.
#[derive(Args, Debug)]
pub struct SubArgs {
    #[command(flatten)]
    pub receiver: ReceiverArgs,
    #[command(flatten)]
    pub topics: SubscribeFlags,
}

/// Flags of sockets that send and receive.
#[derive(Args, Debug)]
pub struct TwoWayArgs {
    #[command(flatten)]
    pub place: PlaceFlags,
    #[command(flatten)]
    pub send: SendFlags,
    #[command(flatten)]
    pub show: ShowFlags,
    #[command(flatten)]
    pub framing: FramingFlags,
    #[command(flatten)]
    pub exec: ExecFlags,
    #[command(flatten)]
    pub stop: StopFlags,
}

/// Flags of sockets that can send back what they receive.
#[derive(Args, Debug)]
pub struct EchoingArgs {
    #[command(flatten)]
    pub two_way: TwoWayArgs,
    #[command(flatten)]
    pub echo: EchoFlags,
}

/// Flags of `router` and `stream`.
#[derive(Args, Debug)]
pub struct RouterArgs {
    #[command(flatten)]
    pub two_way: TwoWayArgs,
    #[command(flatten)]
    pub echo: EchoFlags,
    #[command(flatten)]
    pub to: ToFlags,
}

/// Flags of `xsub`.
#[derive(Args, Debug)]
pub struct XsubArgs {
    #[command(flatten)]
    pub two_way: TwoWayArgs,
    #[command(flatten)]
    pub topics: SubscribeFlags,
}

/// A socket type as a flag's value.
#[derive(Args, Debug)]
pub struct TypeFlag {
    /// The socket's type: push, pull, pub, sub, req, rep, dealer, router, pair, xpub, xsub, stream
    #[arg(id = "type", short = 't', long = "type", value_name = "TYPE", value_parser = socket_type)]
    pub kind: SocketType,
}

/// Flags of `send`.
#[derive(Args, Debug)]
pub struct SendArgs {
    #[command(flatten)]
    pub kind: TypeFlag,
    #[command(flatten)]
    pub sender: SenderArgs,
    #[command(flatten)]
    pub to: ToFlags,
}

/// Flags of `recv`.
#[derive(Args, Debug)]
pub struct RecvArgs {
    #[command(flatten)]
    pub kind: TypeFlag,
    #[command(flatten)]
    pub receiver: ReceiverArgs,
    #[command(flatten)]
    pub topics: SubscribeFlags,
}

/// Flags of `monitor`.
#[derive(Args, Debug)]
pub struct MonitorArgs {
    #[command(flatten)]
    pub kind: TypeFlag,
    #[command(flatten)]
    pub place: PlaceFlags,
    /// One JSON object a line
    #[arg(short = 'J', long)]
    pub json: bool,
    #[command(flatten)]
    pub stop: StopFlags,
}

impl Cli {
    /// The command line of this process; help, version and mistakes end the process.
    pub fn from_command_line() -> Cli {
        let matches = Cli::grammar().get_matches();
        Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }

    /// Every verb and flag. In `send`, `recv`, `monitor` and `record`, `-t` is the type, and time-out has no letter.
    pub fn grammar() -> clap::Command {
        ["send", "recv", "monitor", "record"].into_iter().fold(Cli::command(), |command, verb| {
            command.mut_subcommand(verb, |sub| sub.mut_arg("timeout", |arg| arg.short(None)))
        })
    }
}

fn socket_type(text: &str) -> Result<SocketType, String> {
    SocketType::from_name(text.to_ascii_uppercase().as_bytes()).ok_or_else(|| {
        let names: Vec<_> = SocketType::ALL.iter().map(|kind| kind.name().to_ascii_lowercase()).collect();
        format!("there is no such socket type; there are {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_sound() {
        Cli::grammar().debug_assert();
    }

    #[test]
    fn every_verb_has_examples_and_every_example_is_understood() {
        for sub in Cli::grammar().get_subcommands().filter(|sub| !sub.is_hide_set()) {
            let help = sub.get_after_help().unwrap_or_else(|| panic!("{} has no examples", sub.get_name()));
            for line in help.to_string().lines().filter(|line| line.starts_with("  ")) {
                for words in commands_in(line) {
                    let parsed = Cli::grammar().try_get_matches_from(&words);
                    assert!(parsed.is_ok(), "{line}: {words:?}: {}", parsed.unwrap_err());
                }
            }
        }
    }

    /// The `zmq …` commands of a shell line, split into words as a shell would.
    fn commands_in(line: &str) -> Vec<Vec<String>> {
        let line = line.split("  (").find(|part| !part.trim().is_empty()).unwrap_or(line);
        let mut commands = vec![vec![]];
        let mut word: Option<String> = None;
        let mut quoted = false;
        for c in line.chars().chain([' ']) {
            match c {
                '\'' => {
                    quoted = !quoted;
                    word.get_or_insert_default();
                }
                _ if quoted => word.get_or_insert_default().push(c),
                '|' | '&' => commands.push(vec![]),
                ' ' => commands.last_mut().unwrap().extend(word.take()),
                _ => word.get_or_insert_default().push(c),
            }
        }
        for command in &mut commands {
            let redirected = command.iter().position(|word| word.starts_with(['<', '>']));
            command.truncate(redirected.unwrap_or(usize::MAX));
        }
        commands.retain(|command| command.first().is_some_and(|first| first == "zmq"));
        assert!(!commands.is_empty(), "{line}");
        commands
    }

    #[test]
    fn the_type_is_a_flag_of_send_and_recv() {
        assert!(Cli::grammar().try_get_matches_from(["zmq", "send", "-t", "push", "-c", ":1", "x"]).is_ok());
        assert!(
            Cli::grammar().try_get_matches_from(["zmq", "send", "-t", "pusher", "-c", ":1", "x"]).is_err()
        );
        assert!(Cli::grammar().try_get_matches_from(["zmq", "push", "-t", "1s", "-c", ":1", "x"]).is_ok());
    }
}
