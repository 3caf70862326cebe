// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Text;
using NUnit.Framework;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Tests.Usb;

[TestFixture]
internal sealed class RuleGeneratorTests : UsbHostFixture
{
    private static readonly RuleGeneratorOptions WithPorts = new(GeneratedPorts.All);

    /// <summary>What <c>usbguard generate-policy</c> said of 1-1 and 6-1, the second of which has no serial.</summary>
    private static IEnumerable<TestCaseData> Options
    {
        get
        {
            const string Keyboard = "id 0627:0001 serial \"68284-0000:00:04.0-1\" name \"QEMU USB Keyboard\" ";
            const string KeyboardHashes = "hash \"kEQfNViA+vWCUZ1BZjHsJCXCfGMJJG5mB12YrxPbbGs=\" parent-hash \"RAoFFbYf/KvLFlugqasSHbVw4bRPRWOkutI4A/2Fg+o=\"";
            const string KeyboardEnd = "with-interface 03:01:01 with-connect-type \"unknown\"";
            const string Gadget = "id 303a:1002 serial \"\" name \"line\\x0abreak\\x1b[31m \\x7f tail\" ";
            const string GadgetHashes = "hash \"/xwhSyakmyB3OgnIEqC0cEnSmhStMWreS0BV4nu6Crw=\" parent-hash \"ps5o3oUUa79zeH3RmJ0Hz4QhYO3sa7WmIij9QW+3/Ow=\"";
            const string GadgetEnd = "with-interface 03:00:00 with-connect-type \"unknown\"";
            yield return Case(
                "", new RuleGeneratorOptions(),
                $"allow {Keyboard}{KeyboardHashes} {KeyboardEnd}", $"allow {Gadget}{GadgetHashes} via-port \"6-1\" {GadgetEnd}");
            yield return Case(
                "-p", WithPorts,
                $"allow {Keyboard}{KeyboardHashes} via-port \"1-1\" {KeyboardEnd}", $"allow {Gadget}{GadgetHashes} via-port \"6-1\" {GadgetEnd}");
            yield return Case(
                "-P", new RuleGeneratorOptions(GeneratedPorts.None),
                $"allow {Keyboard}{KeyboardHashes} {KeyboardEnd}", $"allow {Gadget}{GadgetHashes} {GadgetEnd}");
            yield return Case(
                "-X", new RuleGeneratorOptions(Hashes: GeneratedHashes.None),
                $"allow {Keyboard}{KeyboardEnd}", $"allow {Gadget}via-port \"6-1\" {GadgetEnd}");
            yield return Case(
                "-H", new RuleGeneratorOptions(Hashes: GeneratedHashes.Only),
                $"allow {KeyboardHashes}", $"allow {GadgetHashes} via-port \"6-1\"");
            yield return Case(
                "-H -t reject", new RuleGeneratorOptions(Hashes: GeneratedHashes.Only, CatchAll: RuleTarget.Reject),
                $"allow {KeyboardHashes}", $"allow {GadgetHashes} via-port \"6-1\"", "reject");
        }
    }

    [TestCaseSource(nameof(Options))]
    public void Generate_Options_SayWhatUsbGuardsSay(RuleGeneratorOptions options, string[] expected)
    {
        RecordedHost.AddTo(Sysfs);
        var devices = RecordedHost.Devices.Where(d => d.Name is "1-1" or "6-1").Select(d => RuleSubject.Of(Host.Read(d.Devpath)!));
        Assert.That(RuleGenerator.Generate(devices, options).Select(RulePrinter.Print), Is.EqualTo(expected));
    }

    [Test]
    public void Generate_RecordedHost_IsUsbGuardsPolicyInItsOrder()
    {
        RecordedHost.AddTo(Sysfs);
        var devices = RecordedHost.Devices.Reverse().Select(d => RuleSubject.Of(Host.Read(d.Devpath)!));
        Assert.That(Text(devices), Is.EqualTo(RecordedHost.Policy));
    }

    [TestCase("", "p=", "descriptors")]
    [TestCase("h=", "", "hub")]
    public void Generate_DeviceWithoutHashOrParents_IsLeftOutAndNamed(string hash, string parentHash, string why)
    {
        var device = new RuleSubject { Id = default, ViaPort = "1-4", Hash = hash, ParentHash = parentHash };
        Assert.That(RuleGenerator.Generate([device], new RuleGeneratorOptions()), Is.Empty);
        Assert.That(RuleGenerator.Comments([device], new RuleGeneratorOptions()).Single(), Does.StartWith("# 1-4 (0000:0000) is left out: ").And.Contains(why));
    }

    [Test]
    public void Generate_DeviceWithoutHashWhereNoneAreWritten_IsAllowed()
    {
        var (device, options) = (new RuleSubject { Id = default, ViaPort = "1-4" }, new RuleGeneratorOptions(Hashes: GeneratedHashes.None));
        Assert.That(RuleGenerator.Generate([device], options).Select(r => r.Target), Is.EqualTo(new[] { RuleTarget.Allow }));
        Assert.That(RuleGenerator.Comments([device], options), Is.Empty);
    }

    /// <summary>The program itself, which is shown our /sys in the place of the machine's.</summary>
    [Test]
    public void Generate_DescriptorsOfAllSorts_AreTakenAndRefusedAsByUsbGuard()
    {
        const int Seed = 20260711;
        var random = new Random(Seed);
        Sysfs.Write($"{Xhci}/uevent", "");
        var devices = Enumerable.Range(1, 250).Select(port => Sysfs.AddDevice(Usb2Hub, port, Mutated(random, port))).Prepend(Usb2Hub).ToList();
        foreach (var devpath in devices)
        {
            Sysfs.Write($"{devpath}/uevent", "DEVTYPE=usb_device\n");
            Sysfs.Write($"{devpath}/port/connect_type", "hotplug\n"); // without, USBGuard tries again for 30 ms
        }

        // Interfaces and the other half, of which there is no uevent file.
        foreach (var link in Directory.EnumerateFileSystemEntries(Sysfs.Sys("/bus/usb/devices")).Where(l => l.Contains(':') || l.EndsWith("usb2", StringComparison.Ordinal)))
        {
            File.Delete(link);
        }

        var ours = Text(devices.Select(d => RuleSubject.Of(Host.Read(d)!)));

        var taken = ours.Count(c => c == '\n');
        Assert.That(taken, Is.InRange(50, 200), "some are taken and some are refused, or this shows little");
        Assert.That(ours, Is.EqualTo(UsbGuardsPolicy()), $"seed {Seed}");
    }

    private static TestCaseData Case(string option, RuleGeneratorOptions options, params string[] expected) =>
        new TestCaseData(options, expected).SetArgDisplayNames(option);

    private static string Text(IEnumerable<RuleSubject> devices) =>
        string.Join('\n', RuleGenerator.Generate(devices, WithPorts).Select(RulePrinter.Print));

    /// <summary>A device with sound descriptors in which up to two bytes are others, often such as matter to a parser.</summary>
    private static FakeUsbDevice Mutated(Random random, int port)
    {
        byte[] alternate = [9, 4, 1, 1, 1, 1, 2, 0, 0, 9, 5, 0x81, 5, 0, 1, 4, 0, 0, 7, 0x25, 1, 0, 0, 0, 0];
        byte[] body = [.. FakeDescriptors.Interface(0, new FakeInterface()), .. alternate];
        byte[] all =
        [
            .. FakeDescriptors.Device(2), .. FakeDescriptors.Configuration(1, 2, body), .. FakeDescriptors.Configuration(2, 1, alternate),
        ];
        for (var i = random.Next(3); i > 0; i--)
        {
            all[random.Next(all.Length)] = random.Next(2) == 0 ? (byte)random.Next(256) : (byte)random.Next(10);
        }

        return new FakeUsbDevice
        {
            Serial = port % 3 == 0 ? null : $"S\"{port}\t",
            ProductName = port % 5 == 0 ? null : $"Gerät \\ {port}\u0007\t\r",
            Descriptors = random.Next(8) == 0 ? all[..random.Next(all.Length)] : all,
        };
    }

    private string UsbGuardsPolicy()
    {
        if (Unshared("true").ExitCode != 0)
        {
            Assert.Ignore("this machine lets nobody have a /sys of his own (unshare --map-root-user --mount); the lab compares real devices");
        }

        var (exitCode, output) = Unshared("mount --bind \"$1\" /sys && usbguard generate-policy -p 2>/dev/null");
        Assert.That(exitCode, Is.Zero, "usbguard does not run: ./dev test installs it; by hand: apt-get install --no-install-recommends usbguard");
        return output.Trim();
    }

    private (int ExitCode, string Output) Unshared(string script)
    {
        var start = new ProcessStartInfo("unshare", ["--map-root-user", "--mount", "sh", "-c", script, "sh", Sysfs.Sys("")])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            StandardOutputEncoding = Encoding.Latin1,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }
}
