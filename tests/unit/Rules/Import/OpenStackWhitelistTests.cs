// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Import;

namespace UsbHostd.Tests.Rules.Import;

[TestFixture]
internal sealed class OpenStackWhitelistTests
{
    private const string Whole = """usb_passthrough_whitelist = [{"vendor": "0x136b", "product": "0x0003", "bus": "2", "device": "2"}]""";

    [TestCase("""[{"vendor": "0x136b", "product": "0x0003", "bus": "2", "device": "2"}]""", """allow id 136b:0003 via-port "2-1.4" """)]
    [TestCase("""[{"vendor": "0x136b", "product": "0x0003", "bus": "2"}]""", "allow id 136b:0003 on-bus 2")]
    [TestCase("""[{"vendor": "136B"}]""", "allow id 136b:*")]
    [TestCase("[]", "")]
    public void TryImport_Entry_IsARule(string list, string rule)
    {
        Assert.That(Import($"usb_passthrough = on\nusb_passthrough_whitelist = {list}", out var imported), Is.Null);
        Assert.That(string.Join('\n', imported!.Rules.Select(RulePrinter.Print)), Is.EqualTo(rule.Trim()));
    }

    [TestCase("")]
    [TestCase("usb_passthrough = off\n")]
    [TestCase("usb_passthrough=False\n")]
    [TestCase("# usb_passthrough = on\n")]
    [TestCase("usb_white_list_switch = off\n")]
    [TestCase("usb_passthrough = on\nusb_passthrough = off\n")]
    public void TryImport_Off_ImportsNothingAndSaysSo(string before)
    {
        Assert.That(Import(before + Whole, out var imported), Is.Null);
        Assert.That(imported!.Rules, Is.Empty);
        Assert.That(imported.Notes.Single(), Does.Contain("usb_passthrough_whitelist in line").And.Contain("is switched off"));
    }

    [TestCase("usb_passthrough = on\n", "there is no list")]
    [TestCase("", "there is no list")]
    [TestCase("usb_passthrough = on\nusb_white_list = []\n", "the list is empty")]
    [TestCase("usb_white_list = [{\"vendor\": \"0x136b\"}]\n", "usb_white_list in line 1 is switched off, as it is where no switch is set; write 'usb_white_list_switch = on'")]
    public void TryImport_Nothing_SaysWhy(string text, string why)
    {
        Assert.That(Import(text, out var imported), Is.Null);
        Assert.That(imported!.Rules, Is.Empty);
        Assert.That(imported.Notes.Single(), Does.Contain(why));
    }

    [Test]
    public void TryImport_AnySpelling_IsUnderstood(
        [Values("usb_passthrough", "usb_white_list_switch")] string toggle,
        [Values("usb_passthrough_whitelist", "usb_white_list")] string list,
        [Values("on", "On", "true", "TRUE")] string on,
        [Values("", "\ufeff", "\ufeff[DEFAULT]\n")] string before)
    {
        Assert.That(Import($"{before}{list} = [{{\"vendor\": \"0x136b\", \"product\": \"0x0003\"}}]\r\n{toggle} = {on}\r\n", out var imported), Is.Null);
        Assert.That(RulePrinter.Print(imported!.Rules.Single()), Is.EqualTo("allow id 136b:0003"));
    }

    [Test]
    public void TryImport_SwitchesThatDisagree_IsRefused() =>
        Assert.That(Import("usb_passthrough = on\nusb_white_list_switch = off\n" + Whole, out _), Does.StartWith("line 2: usb_white_list_switch is off"));

    [TestCase("[DEFAULT]\nusb_passthrough = On\n" + Whole + "\n[libvirt]\nvirt_type = kvm\n", 1)]
    [TestCase("usb_passthrough = 1\nusb_passthrough_whitelist = [\n  {\"vendor\": \"0x136b\"},\n  {\"vendor\": \"0x0951\"}\n  ]\n", 2)]
    public void TryImport_WholeFile_TakesTheListAsOsloDoes(string text, int rules)
    {
        Assert.That(Import(text, out var imported), Is.Null);
        Assert.That(imported!.Rules, Has.Length.EqualTo(rules));
    }

    [TestCase("""[{"vendor": "0x136b", "bus": "2", "device": "9"}]""", "there is no device 9 on bus 2 now")]
    [TestCase("""[{"vendor": "0x046d", "product": "0xc31c", "bus": "2", "device": "2"}]""", "device 2 on bus 2 is 136b:0003 now")]
    [TestCase("""[{"vendor": "0x136b", "product": "0x0004", "bus": "2", "device": "2"}]""", "device 2 on bus 2 is 136b:0003 now")]
    [TestCase("""[{"vendor": "0x136b", "device": "2"}]""", "without a bus number")]
    [TestCase("""[{"product": "0x0003"}]""", "has no vendor")]
    [TestCase("""[{}]""", "has no vendor")]
    [TestCase("""[{"vendor": "0x136bb"}]""", "vendor is \"0x136bb\"")]
    [TestCase("""[{"vendor": 4971}]""", "vendor is 4971")]
    [TestCase("""[{"vendor": "*"}]""", "vendor is \"*\"")]
    [TestCase("""[{"vendor": "0x136b", "serial": "1"}]""", "has 'serial'")]
    [TestCase("""[{"vendor": "0x136b", "vendor": "0x0951"}]""", "has vendor twice")]
    [TestCase("""{"vendor": "0x136b"}""", "expected a list")]
    [TestCase("""["0x136b"]""", "expected an object")]
    [TestCase("""[{"vendor": """, "not JSON")]
    public void TryImport_NotSayable_IsRefusedWithTheLine(string list, string part) =>
        Assert.That(Import($"usb_passthrough = on\nusb_passthrough_whitelist = {list}", out _), Does.Contain(part).And.StartWith("line 2: usb_passthrough_whitelist"));

    [Test]
    public void TryImport_SwitchIsNeither_IsRefused() =>
        Assert.That(Import("usb_passthrough = maybe\n" + Whole, out _), Does.Contain("line 1: usb_passthrough is 'maybe', expected on or off"));

    private static string? Import(string text, out Imported? imported)
    {
        OpenStackWhitelist.TryImport(text, (bus, device) => (bus, device) == (2, 2) ? ("2-1.4", new UsbId(0x136b, 0x0003)) : null, out imported, out var error);
        return error;
    }
}
