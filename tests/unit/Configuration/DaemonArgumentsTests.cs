// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Daemon.Configuration;
using UsbHostd.Daemon.Errors;

namespace UsbHostd.Tests.Configuration;

[TestFixture]
internal sealed class DaemonArgumentsTests
{
    [Test]
    public void Parse_Nothing_RunsWithTheDefaultFile() =>
        Assert.That(DaemonArguments.Parse([]), Is.EqualTo(new DaemonArguments(null, DaemonMode.Run)));

    [TestCase("--config", "/x")]
    [TestCase("--config=/x")]
    public void Parse_Config_IsTaken(params string[] arguments) =>
        Assert.That(DaemonArguments.Parse([.. arguments, "--check-config"]), Is.EqualTo(new DaemonArguments("/x", DaemonMode.CheckConfiguration)));

    [TestCase("--config")]
    [TestCase("--conf", "/x")]
    [TestCase("start")]
    public void Parse_Unknown_IsRefused(params string[] arguments) =>
        Assert.Throws<ConfigurationException>(() => DaemonArguments.Parse(arguments));
}
