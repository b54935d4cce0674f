//! The source trees of the original, where its test programs and its header come from, and of other programs in Debian.
//!
//! Nothing of them ever enters the repository. Debian's are fetched by `apt-get source` with lists of its own, so that the
//! system's need not name source packages; the crate's is what `bench/` compiles anyway.

use super::workshop;
use crate::step::{self, cargo, root};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A source package of Debian's.
pub struct Package {
    /// Its name and version, as `apt-get source` wants them.
    pub name: &'static str,
    /// The file that describes it.
    pub dsc: &'static str,
    /// What its files' SHA-256 sums must be.
    pub sums: &'static str,
}

/// The release of Debian that has the packages.
const SUITE: &str = "bookworm";

const ZEROMQ: Package = Package {
    name: "zeromq3=4.3.4-6",
    dsc: "zeromq3_4.3.4-6.dsc",
    sums: "\
0ff5a531c9ffaf0dfdc7dc78d13d1383088f454896d252934c429b2554d10559  zeromq3_4.3.4.orig.tar.gz
fbb0dcb4ffbf483d416d9af722db74ad4edd7004625ce10381e8cd3a71b6cd58  zeromq3_4.3.4-6.debian.tar.xz
dfc0e1a03950bff1891b60de3eb41605e9d1d804af063e4b565602165be8c3fe  zeromq3_4.3.4-6.dsc
",
};

/// The crate that carries the source of libzmq 4.3.5; `bench/Cargo.lock` pins its version and sum.
const CRATE: &str = "zeromq-src";

/// A source tree of libzmq.
pub struct Tree {
    /// What the files made of it are called after.
    pub name: &'static str,
    /// Its topmost folder: `src`, `include`, `tests`, `external` are in it.
    pub root: PathBuf,
}

impl Tree {
    /// The tree called `name`: `debian`, which is 4.3.4 with Debian's patches, or `crate`, which is 4.3.5.
    ///
    /// # Errors
    /// If there is no such tree, or it cannot be fetched.
    pub fn fetch(name: &str) -> Result<Tree, String> {
        match name {
            "debian" => Ok(Tree { name: "debian", root: ZEROMQ.fetch(&workshop().join("debian"))? }),
            "crate" => Ok(Tree { name: "crate", root: from_crate()? }),
            other => Err(format!("no such tree: {other} (debian, crate)")),
        }
    }
}

impl Package {
    /// The folder `source` in `folder`, with the package unpacked in it; fetched first if need be.
    ///
    /// # Errors
    /// If it cannot be fetched, or is not what it should be.
    pub fn fetch(&self, folder: &Path) -> Result<PathBuf, String> {
        let tree = folder.join("source");
        if tree.join("debian").exists() {
            return Ok(tree);
        }
        make_folder(folder)?;
        if !self.sums_are_right(folder) {
            self.download(folder)?;
        }
        if !self.sums_are_right(folder) {
            return Err(format!("{}: the files have other SHA-256 sums than they should", folder.display()));
        }
        let unpack = ["--no-check", "--extract", self.dsc, "source"];
        step::output_in(folder, "dpkg-source", Command::new("dpkg-source").args(unpack))
            .map_err(|reason| format!("{reason} (dpkg-source is in Debian's package dpkg-dev)"))?;
        Ok(tree)
    }

    fn sums_are_right(&self, folder: &Path) -> bool {
        let sums = folder.join("SHA256SUMS");
        let check =
            |sums| step::output_in(folder, "sha256sum", Command::new("sha256sum").args(["--check", sums]));
        std::fs::write(&sums, self.sums).is_ok() && check("SHA256SUMS").is_ok()
    }

    fn download(&self, folder: &Path) -> Result<(), String> {
        eprintln!("==> fetching Debian's {}", self.name);
        let list = folder.join("sources.list");
        let source = format!(
            "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian {SUITE} main\n"
        );
        std::fs::write(&list, source).map_err(|error| format!("{}: {error}", list.display()))?;
        for made in ["state/lists/partial", "cache/archives/partial"] {
            make_folder(&folder.join(made))?;
        }
        let apt = |arguments: &[&str]| {
            let mut command = Command::new("apt-get");
            command.arg("--quiet").arg("-o").arg(format!("Dir::Etc::SourceList={}", list.display()));
            command.args(["-o", "Dir::Etc::SourceParts=/dev/null", "-o", "APT::Sandbox::User="]);
            command.arg("-o").arg(format!("Dir::State={}", folder.join("state").display()));
            command.arg("-o").arg(format!("Dir::Cache={}", folder.join("cache").display()));
            command.args(arguments);
            step::output_in(folder, &format!("apt-get {}", arguments.join(" ")), &mut command)
        };
        apt(&["update"])?;
        apt(&["source", "--download-only", self.name])?;
        Ok(())
    }
}

fn from_crate() -> Result<PathBuf, String> {
    let manifest = root().join("bench/Cargo.toml");
    let mut metadata = cargo();
    metadata.args(["metadata", "--locked", "--format-version", "1", "--manifest-path"]).arg(manifest);
    let printed = step::output("cargo metadata", &mut metadata)?;
    manifest_path(&printed, &format!("{CRATE}-"))
        .and_then(|manifest| Some(manifest.parent()?.join("vendor")))
        .ok_or_else(|| format!("bench/ does not depend on {CRATE} any more"))
}

/// Where the manifest of the package is whose folder's name begins with `name`, from what `cargo metadata` printed.
pub fn manifest_path(metadata: &str, name: &str) -> Option<PathBuf> {
    let marker = format!("/{name}");
    let paths = metadata.split("\"manifest_path\":\"").skip(1).filter_map(|rest| rest.split('"').next());
    paths.into_iter().find(|path| path.contains(&marker)).map(PathBuf::from)
}

/// Makes a folder and those above it.
///
/// # Errors
/// With the folder's name, if it cannot be made.
pub fn make_folder(folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_found_in_cargos_metadata() {
        let printed = r#"{"packages":[{"manifest_path":"/r/cc-1/Cargo.toml"},{"name":"zeromq-src","manifest_path":"/r/zeromq-src-0.3/Cargo.toml","x":1}]}"#;
        assert_eq!(
            manifest_path(printed, "zeromq-src-"),
            Some(PathBuf::from("/r/zeromq-src-0.3/Cargo.toml"))
        );
        assert_eq!(manifest_path(printed, "other"), None);
    }
}
