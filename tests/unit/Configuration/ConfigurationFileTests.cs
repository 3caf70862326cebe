// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Microsoft.Extensions.Logging;
using NUnit.Framework;
using UsbHostd.Daemon.Configuration;
using UsbHostd.Daemon.Errors;

namespace UsbHostd.Tests.Configuration;

[TestFixture]
internal sealed class ConfigurationFileTests
{
    [Test]
    public void Parse_EmptyFile_IsTheDefaults() =>
        Assert.That(ConfigurationKeys.All.Select(k => k.Show(Parse(""))), Is.EqualTo(ConfigurationKeys.All.Select(k => k.Default)));

    [Test]
    public void Parse_EveryKindOfValue_IsTaken()
    {
        var configuration = Parse(
            """
            # a comment
              ; another
            [daemon]
            state-directory = /srv/usb host/
            log-level=debug
            [api]
            socket-group =
            max-connections = 17
            [libvirt]
            uri = test:///default
            [limits]
            comeback = 1 min
            first-retry = 50ms
            [jail]
            controllers = 0000:02:01.0  dummy_hcd.0 dummy_hcd.0
            force = yes
            [paths]
            sysfs = /tmp/sys
            """);

        Assert.That(configuration.StateDirectory, Is.EqualTo("/srv/usb host"));
        Assert.That(configuration.Database, Is.EqualTo("/srv/usb host/usbhostd.db"));
        Assert.That(configuration.LogLevel, Is.EqualTo(LogLevel.Debug));
        Assert.That(configuration.Api.SocketGroup, Is.Empty);
        Assert.That(configuration.Api.MaxConnections, Is.EqualTo(17));
        Assert.That(configuration.LibvirtUri, Is.EqualTo("test:///default"));
        Assert.That(configuration.Limits.Comeback, Is.EqualTo(TimeSpan.FromMinutes(1)));
        Assert.That(configuration.Limits.FirstRetry, Is.EqualTo(TimeSpan.FromMilliseconds(50)));
        Assert.That(configuration.Jail.Controllers, Is.EqualTo(["0000:02:01.0", "dummy_hcd.0"]));
        Assert.That(configuration.Jail.Force, Is.True);
        Assert.That(configuration.Usb.Sysfs, Is.EqualTo("/tmp/sys"));
    }

    [Test]
    public void Parse_CarriageReturnsAndByteOrderMark_AreTaken() =>
        Assert.That(Parse("\ufeff[daemon]\r\nlog-level = error\r\n").LogLevel, Is.EqualTo(LogLevel.Error));

    [TestCase("log-level = info", "x.conf:1: found log-level before any section, expected a line such as [daemon] first")]
    [TestCase("[demon]", "x.conf:1: found section [demon], expected [daemon] perhaps")]
    [TestCase("[zzzzzzzzzz]", "x.conf:1: found section [zzzzzzzzzz], expected one of [api], [callers], [daemon], [dbus], [jail], [libvirt], [limits], [paths], [policy], [roles], [tls]")]
    [TestCase("[tls]\nlisten = 7443", "x.conf:2: found \"7443\" for listen, expected an address with a port, such as 192.0.2.7:7443 or [::]:7443, or nothing")]
    [TestCase("[tls]\nlisten = ::1", "x.conf:2: found \"::1\" for listen, expected an address with a port, such as 192.0.2.7:7443 or [::]:7443, or nothing")]
    [TestCase("[api]\nsokcet = /x", "x.conf:2: found key sokcet, expected socket perhaps")]
    [TestCase("[daemon]\ncolour = red", "x.conf:2: found key colour, expected one of log-level, state-directory")]
    [TestCase("[daemon]\nsocket = /x", "x.conf:2: found socket in section [daemon], expected it in section [api]")]
    [TestCase("[daemon]\nlog-level = loud", "x.conf:2: found \"loud\" for log-level, expected one of trace, debug, info, warning, error")]
    [TestCase("[daemon]\nlog-level =", "x.conf:2: found nothing for log-level, expected one of trace, debug, info, warning, error")]
    [TestCase("[daemon]\nlog-level = info # why", "x.conf:2: found a comment after the value of log-level, expected comments on lines of their own")]
    [TestCase("[daemon]\nlog-level = info\n\nlog-level = info", "x.conf:4: found log-level again, expected it only once (first in line 2)")]
    [TestCase("[api]\n[daemon]\n[api]", "x.conf:3: found section [api] again, expected it only once (first in line 1)")]
    [TestCase("[daemon]\nlog-level", "x.conf:2: found log-level, expected key = value, a [section], or a comment that begins with #")]
    [TestCase("[daemon", "x.conf:1: found [daemon, expected a section such as [daemon], and nothing after it")]
    [TestCase("[daemon]\nstate-directory = lib", "x.conf:2: found \"lib\" for state-directory, expected an absolute path")]
    [TestCase("[daemon]\nstate-directory = \"/lib\"", "x.conf:2: found \"\"/lib\"\" for state-directory, expected an absolute path")]
    [TestCase("[daemon]\nstate-directory = /a/../b", "x.conf:2: found \"/a/../b\" for state-directory, expected an absolute path")]
    [TestCase("[libvirt]\nuri = system", "x.conf:2: found \"system\" for uri, expected a libvirt URI such as qemu:///system")]
    [TestCase("[api]\nmax-connections = 0", "x.conf:2: found \"0\" for max-connections, expected a whole number from 1 to 65536")]
    [TestCase("[jail]\ncontrollers = usb1", "x.conf:2: found \"usb1\" for controllers, expected names of USB controllers, such as 0000:02:01.0 or dummy_hcd.0, with blanks between them, or nothing")]
    [TestCase("[jail]\ncontrollers = /sys", "x.conf:2: found \"/sys\" for controllers, expected names of USB controllers, such as 0000:02:01.0 or dummy_hcd.0, with blanks between them, or nothing")]
    [TestCase("[jail]\nforce = true", "x.conf:2: found \"true\" for force, expected yes or no")]
    [TestCase("[limits]\ncomeback = 10", "x.conf:2: found \"10\" for comeback, expected a time from 0s to 60min, such as 200ms, 10s or 2min")]
    [TestCase("[limits]\ncomeback = 99999999999s", "x.conf:2: found \"99999999999s\" for comeback, expected a time from 0s to 60min, such as 200ms, 10s or 2min")]
    [TestCase("[limits]\nfirst-retry = 40s", "x.conf:2: found longest-retry 30s, expected at least first-retry, which is 40s")]
    [TestCase("[daemon]\nlog-level = in\0fo", "x.conf:2: found a control character, expected printable text")]
    public void Parse_Mistake_SaysFileLineFoundAndExpected(string text, string expected) =>
        Assert.That(Refusal(() => Parse(text)).Message, Is.EqualTo(expected));

    [Test]
    public void Parse_NotUtf8_SaysTheLine() =>
        Assert.That(
            Refusal(() => ConfigurationFile.Parse("x.conf", [.. "[daemon]\n"u8, 0xff])).Message,
            Does.StartWith("x.conf:2: found bytes that are not UTF-8"));

    [Test]
    public void Parse_SeveralMistakes_TellsAllInOrder() =>
        Assert.That(
            Refusal(() => Parse("[api]\nmax-connections = x\nnonsense\n[libvrt]\n")).Problems.Select(p => p[7]), Is.EqualTo("234"));

    [Test]
    public void Load_NamedFileThatIsMissing_IsAProblem() =>
        Assert.That(
            Refusal(() => ConfigurationFile.Load("/nonexistent/x.conf")).Message, Does.StartWith("/nonexistent/x.conf: "));

    [Test]
    public void Load_Folder_IsAProblem() => Assert.That(Refusal(() => ConfigurationFile.Load("/")).Message, Does.StartWith("/: can't be read"));

    [Test]
    public void Write_ThenParse_IsTheSame()
    {
        var changed = Parse("[daemon]\nlog-level = trace\n[limits]\nflap-window = 90s\nfirst-retry = 10ms\n");
        using var written = new StringWriter();
        ConfigurationFile.Write(changed, written);
        using var again = new StringWriter();
        ConfigurationFile.Write(Parse(written.ToString()), again);

        Assert.That(again.ToString(), Is.EqualTo(written.ToString()).And.Contain("flap-window = 90s").And.Contain("first-retry = 10ms"));
    }

    [Test]
    public void Check_Mistake_PrintsItAndGivesItsExitCode()
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();

        var code = ConfigurationFile.Check("/nonexistent/x.conf", output, errors);

        Assert.That((code, output.ToString()), Is.EqualTo((ExitCode.Configuration, "")));
        Assert.That(errors.ToString(), Does.StartWith("/nonexistent/x.conf"));
    }

    private static ConfigurationException Refusal(Action action) =>
        Assert.Throws<ConfigurationException>(() => action()) ?? throw new InvalidOperationException("nothing thrown");

    private static DaemonConfiguration Parse(string text) => ConfigurationFile.Parse("x.conf", Encoding.UTF8.GetBytes(text));
}
