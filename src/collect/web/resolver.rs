//! Addresses that are never asked: those of the link itself, where clouds hand out credentials to whoever asks. The project
//! file chooses what is asked, and anybody can propose to change it.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ureq::{
    Error,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver as Resolve},
        transport::NextTimeout,
    },
};
use url::{Host, Url};

/// Why.
pub(super) const REFUSED: &str = "this address is one of the link itself, which is never asked";

/// Where some clouds hand out credentials though the address is none of the link.
const CLOUDS: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)), IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254))];

/// Whether an address is never asked.
pub(super) fn is_refused(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let is_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    is_local || CLOUDS.contains(&address)
}

/// The address that a URL has in place of a name.
pub(super) fn written(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}

/// Finds the addresses of names, if none of them is refused.
#[derive(Debug, Default)]
pub(super) struct Resolver(DefaultResolver);

impl Resolve for Resolver {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.0.resolve(uri, config, timeout)?;
        if found.iter().any(|address| is_refused(address.ip())) {
            return Err(Error::Io(io::Error::other(REFUSED)));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_link_are_never_asked() {
        for url in [
            "http://169.254.169.254/latest",
            "http://2852039166/",
            "http://0xa9.254.43518/",
            "http://[fe80::1]/",
            "http://[::ffff:169.254.169.254]/",
            "http://[fd00:ec2::254]/",
            "http://100.100.100.200/",
        ] {
            assert!(written(&Url::parse(url).unwrap()).is_some_and(is_refused), "{url}");
        }
        for url in
            ["http://127.0.0.1/", "http://10.0.0.1/", "http://[::1]/", "http://192.168.1.1/", "http://[fd00::1]/"]
        {
            assert!(!written(&Url::parse(url).unwrap()).is_some_and(is_refused), "{url}");
        }
        assert_eq!(written(&Url::parse("http://a.test").unwrap()), None);
    }
}
