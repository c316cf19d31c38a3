"""Settings of trunks: the short form, several by name, and what is said where one can't work."""

from __future__ import annotations

from pathlib import Path

import pytest

from byourside_server.config import Config, TrunkConfig, load_config
from byourside_server.errors import ConfigError


def load(data_dir: Path, file: str, environ: dict[str, str] | None = None) -> Config:
    (data_dir / "config.toml").write_text(file)
    return load_config({"data_dir": str(data_dir)}, environ or {})


def test_the_ten_lines_of_the_readme_are_a_trunk(tmp_path: Path) -> None:
    config = load(tmp_path, '[trunk]\nhost = "sip.carrier.example"\nuser = "me"\npassword = "x"\n')
    assert config.trunks == (TrunkConfig("trunk", "sip.carrier.example", user="me", password="x"),)


def test_several_trunks_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    file = """
        [trunks.main]
        host = "sip.one.example"
        transport = "tls"
        prefixes = ["+1", "+44"]
        calls_per_second = 1
        max_calls = 10
        srtp = "required"

        [trunks.cheap-one]
        host = "sip.two.example"
        port = 5080
        user = "u"
        register = true
        from = "user"
        number_format = "national"
        country_code = "+49"
        national_lead = "0"
        codecs = ["PCMA"]
        networks = ["198.51.100.0/24"]
    """
    config = load(tmp_path, file, {"BYOURSIDE_TRUNKS_CHEAP_ONE_PASSWORD": "hush"})
    main, cheap = config.trunks
    assert (main.name, main.transport, main.prefixes) == ("main", "tls", ("+1", "+44"))
    assert (main.port, main.calls_per_second, main.max_calls, main.srtp) == (None, 1.0, 10, "required")
    assert (cheap.name, cheap.port, cheap.password, cheap.register) == ("cheap-one", 5080, "hush", True)
    assert (cheap.from_, cheap.country_code, cheap.national_lead) == ("user", "+49", "0")
    assert (cheap.codecs, cheap.networks) == (("PCMA",), ("198.51.100.0/24",))
    assert "hush" not in repr(config)


def test_the_short_form_can_stand_in_the_environment_alone(tmp_path: Path) -> None:
    environ = {"BYOURSIDE_TRUNK_HOST": "10.0.0.9", "BYOURSIDE_TRUNK_PREFIXES": "+1, +44"}
    [trunk] = load(tmp_path, "", environ).trunks
    assert (trunk.host, trunk.prefixes) == ("10.0.0.9", ("+1", "+44"))


WRONG = {
    "[trunk]\nport = 5060": "trunk.host is missing",
    "[trunk]\ntransport = 'sctp'\nhost = 'a'": "trunk.transport must be one of udp, tcp, tls, not 'sctp'",
    "[trunk]\nhost = 'sip:a'": "trunk.host must be a name or an address alone",
    "[trunk]\nhost = 'a:5060'": "port and transport are settings of their own",
    "[trunk]\nhost = 'a'\nport = 0": "trunk.port must be a whole number from 1 to 65535",
    "[trunk]\nhost = 'a'\nregister = true": "trunk.register needs trunk.user and trunk.password",
    "[trunk]\nhost = 'a'\nfrom = 'user'": "trunk.from needs trunk.user",
    "[trunk]\nhost = 'a'\nuser='u'\npassword='p'\nfrom = 'user'\ncaller = '+14155550100'": "both fill From",
    "[trunk]\nhost = 'a'\ncaller='+14155550100'\ncaller_ids=['+14155550101']": "trunk.caller replaces",
    "[trunk]\nhost = 'a'\nca_file = '/nowhere.pem'": "trunk.ca_file: there is no file /nowhere.pem",
    "[trunk]\nhost = 'a'\nverify = false": 'trunk.verify is about TLS: set trunk.transport = "tls"',
    "[trunk]\nhost = 'a'\nsrtp = 'required'": 'trunk.srtp = "required" sends its keys inside SIP',
    "[trunk]\nhost = 'a'\nprefixes = ['1']": "trunk.prefixes must be a list such as ['+44'], and has '1'",
    "[trunk]\nhost = 'a'\nprefixes = '+1;+44'": "trunk.prefixes must be a list such as ['+44']",
    "[trunk]\nhost = 'a'\nprefixes = 1": "trunk.prefixes must be a list of texts",
    "[trunk]\nhost = 'a'\ncaller_ids = ['x']": "trunk.caller_ids must be a list such as ['+14155550100']",
    "[trunk]\nhost = 'a'\ncodecs = ['opus']": "trunk.codecs must be some of PCMU, PCMA, each once, not OPUS",
    "[trunk]\nhost = 'a'\ncodecs = ['PCMU', 'pcmu']": "each once",
    "[trunk]\nhost = 'a'\nnetworks = ['10.0.0.1/8']": "trunk.networks must be a list such as",
    "[trunk]\nhost = 'a'\ncalls_per_second = 0": "trunk.calls_per_second must be a number from 0.01 to 1000",
    "[trunk]\nhost = 'a'\ncalls_per_second = true": "trunk.calls_per_second must be a number",
    "[trunk]\nhost = 'a'\nmax_calls = 0": "trunk.max_calls must be a whole number from 1",
    "[trunk]\nhost = 'a'\nnumber_format = 'national'": 'trunk.country_code must be as in "+49"',
    "[trunk]\nhost = 'a'\ncountry_code = '+49'": 'are of number_format = "national"',
    "[trunk]\nhost = 'a'\nnational_lead = '+'": "trunk.national_lead must be digits in quotes",
    "[trunk]\nhost = 'a'\nsip_advertised_host = 'me'": "trunk.sip_advertised_host must be an IP address",
    "[trunk]\nhost = 'a'\nsip_advertised_host = '203.0.113.7'": "sip_advertised_host needs sip_port",
    "sip_host = '0.0.0.0'\n[trunk]\nhost = 'a'": "sip_host 0.0.0.0 is no address that others could send to",
    "[trunks]\nhost = 'a'": "trunks.host belongs under a name, [trunks.NAME]",
    "[trunks.a]\nport = 5060": "trunks.a.host is missing",
    "[trunks.sandbox]\nhost = 'a'": "trunks.sandbox: a trunk's name is",
    "[trunks.'a b']\nhost = 'a'": "trunks.a b: a trunk's name is",
    "[trunks.a]\nhots = 'a'\nhost = 'b'": "'trunks.a.hots', which is no setting: did you mean trunks.a.host?",
    "[trunk]\nhost = 'a'\n[trunks.b]\nhost = 'b'": "there is a [trunk] and there is [trunks.NAME]",
    "trunk = 'sip.example.com'": "'trunk', which is no setting",
}


@pytest.mark.parametrize(("file", "words"), WRONG.items(), ids=[" ".join(file.split()) for file in WRONG])
def test_a_trunk_that_cannot_work_is_named_with_its_cure(tmp_path: Path, file: str, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, file)
    assert words in str(refused.value)
