// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Tests.Service;

[TestFixture]
internal sealed class PrincipalTests
{
    [TestCase("", "")]
    [TestCase("user:alice  group:100", "user:alice group:100")]
    [TestCase("\"subject:CN=erp,O=lab\" name:erp.lab.example", "\"subject:CN=erp, O=lab\" name:erp.lab.example")]
    [TestCase("subject:CN=erp", "subject:CN=erp")]
    public void ParseList_InOrder_PrintsTheSame(string text, string printed) => Assert.That(Principal.Show(Principal.ParseList(text)!.Value), Is.EqualTo(printed));

    [TestCase("alice")]
    [TestCase("user:")]
    [TestCase("\"user:alice")]
    [TestCase("\"user:alice\"group:x")]
    [TestCase("us\"er:alice")]
    [TestCase("user:a\"b")]
    [TestCase("subject:nonsense")]
    [TestCase("role:x")]
    [TestCase("subject:CN=erp\0")]
    [TestCase("\"subject:CN=erp, O=lab\0\"")]
    [TestCase("name:erp.lab.example\0")]
    [TestCase("user:root\0x")]
    public void ParseList_NotInOrder_IsRefused(string text) => Assert.That(Principal.ParseList(text), Is.Null);

    [Test]
    public void Roles_UnknownName_IsAnErrorThatNamesIt() => Assert.That(
        () => new Roles(new RoleOptions { Admins = [new Principal(PrincipalKind.User, "no-such-user-here")] }),
        Throws.TypeOf<IOException>().With.Message.Contains("no-such-user-here"));

    [Test]
    public void Roles_CertificateWithAUidOfNobody_GetsNothingByUid() => Assert.That(
        new Roles(new RoleOptions()).Of(new Caller(0, [0], "tls", 0) { Certificate = new CertificateIdentity("CN=x", []) }), Is.EqualTo(Api.Right.None));
}
