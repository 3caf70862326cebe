// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Api.V1;
using UsbHostd.Cli;

namespace UsbHostd.Tests.Cli;

[TestFixture]
internal sealed class PolicyTestTests
{
    private RuleFolder folder = null!;

    [SetUp]
    public void Make()
    {
        folder = new RuleFolder();
        Record("stick", CliFixture.Stick);
    }

    [TearDown]
    public void Remove() => folder.Dispose();

    [TestCase("allow id 0951:1666", "allow")]
    [TestCase("block id 0951:*\nallow", "block")]
    [TestCase("allow serial \"other\"", "block")]
    [TestCase("allow hash \"lKr1kQh29WiiiWM2LGKjWY9ZvVy795P21sLfSY6Dh08=\" parent-hash \"m5lQfOThWyUvbKz24NmQFYxIuDeE4j0yD8tZ5fSsGIE=\"", "allow")]
    [TestCase("allow name \"DataTraveler 3.0\" serial \"4C530001230405\" via-port \"1-4.2\" with-connect-type \"hotplug\"", "allow")]
    [TestCase("allow with-interface equals-ordered { 08:06:50 08:06:62 }", "allow")]
    [TestCase("allow on-bus 1 on-controller \"0000:00:14.0\" path \"pci-*\"", "allow")]
    [TestCase("allow on-bus 2", "block")]
    public async Task Against_RecordedDevice_IsJudgedByAllThatIsRecorded(string rules, string target)
    {
        var device = CliFixture.Stick;
        (device.Controller, device.IdPath) = ("pci 0000:00:14.0", "pci-0000:00:14.0-usb-0:4.2");
        Record("stick", device);

        Assert.That((await RunAsync(rules)).Lines[2], Does.Match($@"^ stick +0951:1666 +Kingston DataTraveler 3.0 +{target} "));
    }

    [Test]
    public async Task Rules_NotInOrder_AreRefused()
    {
        var result = await RunAsync("block id 1:*\nallow");

        Assert.That(result.Exit, Is.EqualTo(2));
        Assert.That(result.Error, Does.StartWith($"{folder.Path}/rules.conf:1:10: found"));
    }

    [Test]
    public async Task Against_Rule_HasItsPlace() => Assert.That((await RunAsync("block id 0000:0000\nallow")).Lines[2], Does.EndWith($"   {folder.Path}/rules.conf:2"));

    [TestCase("allow to-guest \"erp\"", "erp", "allow")]
    [TestCase("allow to-guest \"erp\"", "vdi-1", "block")]
    [TestCase("assign to-guest \"6e5a2c1e-0000-4000-8000-000000000001\"", "6E5A2C1E-0000-4000-8000-000000000001", "assign")]
    [TestCase("reject", "erp", "reject")]
    public async Task Guest_Named_IsWhomTheTargetIsFor(string rule, string guest, string target) =>
        Assert.That((await RunAsync(rule, "--guest", guest)).Lines[2], Does.Contain($"   {target} "));

    [TestCase("allow\n", 0)]
    [TestCase("# for the office\nallow erp\nblock vdi-1\n", 0)]
    [TestCase("block\n", 1)]
    [TestCase("allow vdi-1\n", 1)]
    [TestCase("alow\n", 2)]
    public async Task Expect_BesideTheDevice_DecidesTheExitCode(string expected, int exit)
    {
        folder.Write("stick.expect", expected);

        Assert.That((await RunAsync("allow to-guest \"erp\"")).Exit, Is.EqualTo(exit));
    }

    [Test]
    public async Task Expect_NotMet_SaysWhatWasFoundAndByWhichRule()
    {
        folder.Write("stick.expect", "assign erp\n");

        var result = await RunAsync("allow id 0951:1666");

        Assert.Multiple(() =>
        {
            Assert.That(result.Error, Is.EqualTo($"{folder.Path}/stick.expect:1: stick: expected assign for guest erp, found allow ({folder.Path}/rules.conf:1)\n"));
            Assert.That(result.Out, Does.EndWith("1 devices, 1 expectations, 1 not met\n"));
        });
    }

    [TestCase("gone.expect", "allow")]
    [TestCase("broken.json", "{")]
    [TestCase("other.json", "{\"vendorId\": \"xyz\"}")]
    [TestCase("other.json", "{\"vendorId\": \"0951\", \"productId\": \"1666\", \"interfaceTypes\": [\"08:06\"]}")]
    public async Task Against_FolderThatIsNotInOrder_IsRefused(string name, string text)
    {
        folder.Write(name, text);

        var result = await RunAsync("allow");

        Assert.That(result.Exit, Is.EqualTo(2));
        Assert.That(result.Error, Does.StartWith("error: " + folder.Path + "/" + name));
    }

    [Test]
    public async Task Against_EmptyFolder_IsRefused()
    {
        File.Delete(Path.Combine(folder.Path, "stick.json"));

        Assert.That((await RunAsync("allow")).Exit, Is.EqualTo(2));
    }

    [Test]
    public async Task Against_NameFromTheSystemsList_IsNotTheDevices()
    {
        Record("stick", new Device { VendorId = "0951", ProductId = "1666", ProductName = "of usb.ids" });

        Assert.That((await RunAsync("allow name \"of usb.ids\"")).Lines[2], Does.Contain(" block "));
    }

    [Test]
    public async Task Against_AllowedMatches_SeesDevicesBeforeIt()
    {
        Record("zip", new Device { VendorId = "1234", ProductId = "5678" });

        Assert.That((await RunAsync("allow id 0951:1666\nallow if allowed-matches(id 0951:1666)")).Lines[3], Does.Match(@"^ zip +1234:5678 +1234:5678 +allow "));
    }

    private void Record(string name, Device device) => folder.Write(name + ".json", JsonText.Of(device) + "\n");

    private Task<CliResult> RunAsync(string rules, params string[] options) => CliResult.OfAsync(
        ["policy-test", "--against", folder.Path, "--rules", folder.Write("rules.conf", rules + "\n"), .. options], null, _ => null);
}
