// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;
using UsbHostd.Lab.Harness;
using UsbHostd.Policy.Devices;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;

namespace UsbHostd.Lab.Scenarios;

/// <summary>Rules that are made here are those that USBGuard makes on the same host.</summary>
public sealed class UsbGuardPolicy : DaemonTest
{
    private static IEnumerable<TestCaseData> Options =>
    [
        new TestCaseData("", new RuleGeneratorOptions()),
        new TestCaseData("-p", new RuleGeneratorOptions(GeneratedPorts.All)),
        new TestCaseData("-P", new RuleGeneratorOptions(GeneratedPorts.None)),
        new TestCaseData("-X", new RuleGeneratorOptions(Hashes: GeneratedHashes.None)),
        new TestCaseData("-H", new RuleGeneratorOptions(Hashes: GeneratedHashes.Only)),
        new TestCaseData("-t reject", new RuleGeneratorOptions(CatchAll: RuleTarget.Reject)),
    ];

    [TestCaseSource(nameof(Options))]
    public async Task GeneratedRules_OfWhatIsPluggedIn_AreUsbGuards(string option, RuleGeneratorOptions options)
    {
        await (await QemuDevice.StickAsync(Host, "UG-1")).PlugAsync("x0.5");
        await (await QemuDevice.StickAsync(Host, null)).PlugAsync("x1.10");
        await QemuDevice.Hub(Host).PlugAsync("x0.13");
        await QemuDevice.Keyboard(Host).PlugAsync("x0.13.2");
        await Gadget.PlugAsync(Host, "303a:1001", "S\"\\1é", 0, product: "He said \"hi\" \\ é漢🎉 { } #");
        await Gadget.PlugAsync(Host, "303a:1002", null, 1, "hid", "line\nbreak\u001b[31m \u007f tail\t\n");
        await Gadget.PlugAsync(Host, "1d6b:0002", "no root hub", 2, "mass_storage");
        await DeviceAsync("port:1-13.2");

        var theirs = await Host.DoAsync($"usbguard generate-policy {option}");
        var answer = await Api.CallAsync<ListDevicesResponse>("ListDevices", new ListDevicesRequest());
        var ours = RuleGenerator.Generate(answer.Devices.Select(SubjectOf), options).Select(RulePrinter.Print);

        Assert.That(string.Join('\n', ours), Is.EqualTo(theirs.Trim()));
    }

    private static RuleSubject SubjectOf(Device device)
    {
        Assert.That(UsbId.TryParse($"{device.VendorId}:{device.ProductId}", out var id), Is.True);
        return new RuleSubject
        {
            Id = id,
            Name = UsbGuardHash.Trimmed(device.ProductName),
            Serial = UsbGuardHash.Trimmed(device.Serial),
            Hash = device.Hash,
            ParentHash = device.ParentHash,
            ViaPort = device.Port,
            ConnectType = device.ConnectType,
            Interfaces = [.. device.InterfaceTypes.Select(ClassOf)],
        };
    }

    private static UsbClass ClassOf(string text)
    {
        var bytes = Convert.FromHexString(text.Replace(":", "", StringComparison.Ordinal));
        return new UsbClass(bytes[0], bytes[1], bytes[2]);
    }
}
