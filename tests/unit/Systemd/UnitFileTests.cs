// SPDX-License-Identifier: Apache-2.0
using System.Text.RegularExpressions;
using NUnit.Framework;
using UsbHostd.Tests.Architecture;

namespace UsbHostd.Tests.Systemd;

/// <summary>The shipped unit shuts the daemon in, without hiding from it what the guard looks at, nor forbidding what it does.</summary>
[TestFixture]
internal sealed partial class UnitFileTests
{
    /// <summary>Settings that take something away, with the values that leave the guard its sight. All others blind it.</summary>
    private static readonly (string Setting, string[] Harmless, string Hides)[] Blinding =
    [
        ("ProtectHome", ["no", "read-only"], "what is mounted below /home, /root and /run/user"),
        ("TemporaryFileSystem", [], "what is mounted there"),
        ("InaccessiblePaths", [], "what is mounted there"),
        ("RootDirectory", [], "the host's files"),
        ("RootImage", [], "the host's files"),
        ("PrivateDevices", ["no"], "the nodes below /dev/bus/usb"),
        ("PrivateNetwork", ["no"], "default routes, uevents and network interfaces"),
        ("NetworkNamespacePath", [], "default routes, uevents and network interfaces"),
        ("PrivateUsers", ["no"], "whose processes are whose, and the capabilities over them"),
        ("PrivatePIDs", ["no"], "the processes that hold devices, and the first one's mounts"),
        ("ProtectProc", ["default"], "the processes that hold devices"),
        ("ProcSubset", ["all"], "/proc/swaps and imported ZFS pools"),
        ("ProtectKernelTunables", ["no"], "nothing, but makes sysfs read-only"),
        ("DynamicUser", ["no"], "implies ProtectHome=read-only and a user of no group"),
    ];

    private static IEnumerable<string> Settings => Blinding.Select(b => b.Setting);

    [TestCaseSource(nameof(Settings))]
    public void Unit_SettingThatTakesAway_LeavesTheGuardItsSight(string setting)
    {
        var (_, harmless, hides) = Blinding.Single(b => b.Setting == setting);
        Assert.That(ValuesOf(setting), Is.SubsetOf(harmless), $"{setting}= hides {hides}");
    }

    [Test]
    public void Unit_AddressFamilies_AreThoseOfTheSocketsThatTheDaemonOpens()
    {
        var opened = Repository.Sources("daemon", "libvirt").SelectMany(source => Opening().Matches(source.Text)).SelectMany(match => FamiliesOf(match.Groups["family"].Value));

        Assert.That(ValuesOf("RestrictAddressFamilies").Single().Split(' '), Is.EquivalentTo(opened.Distinct(StringComparer.Ordinal)));
    }

    /// <summary>Its user owns no process but its own: without it hidepid= and foreign fd folders stay shut.</summary>
    [Test]
    public void Unit_Capabilities_HaveTheOneThatLooksIntoProcesses() =>
        Assert.That(ValuesOf("AmbientCapabilities").Single().Split(' '), Does.Contain("CAP_SYS_PTRACE"));

    /// <summary>It is a native program, which makes no code while it runs, and has the settings of its collector within.</summary>
    [Test]
    public void Unit_OfANativeProgram_ForbidsNewCodeAndSetsNothingOfTheRuntime() =>
        Assert.That((string.Join(' ', ValuesOf("MemoryDenyWriteExecute")), ValuesOf("Environment").Length), Is.EqualTo(("yes", 0)));

    private static string[] ValuesOf(string setting) =>
    [
        .. Repository.Read("contrib/systemd/usbhostd.service").Split('\n')
            .Where(line => line.StartsWith(setting + "=", StringComparison.Ordinal))
            .Select(line => line[(setting.Length + 1)..].Trim()),
    ];

    private static string[] FamiliesOf(string expression) => expression switch
    {
        "AddressFamily.Unix" => ["AF_UNIX"],
        "LibC.AfNetlink" => ["AF_NETLINK"],
        "address.AddressFamily" => ["AF_INET", "AF_INET6"], // of an address and port
        _ => throw new InvalidOperationException($"say which families {expression} is"),
    };

    [GeneratedRegex(@"(new Socket|LibC\.Socket)\((?<family>[\w.]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Opening();
}
