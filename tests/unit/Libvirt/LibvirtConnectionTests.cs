// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using NUnit.Framework;
using UsbHostd.Libvirt;

namespace UsbHostd.Tests.Libvirt;

/// <summary>The real client library with its in-process test driver, whose one domain is "test", running.</summary>
[TestFixture]
[NonParallelizable]
internal sealed class LibvirtConnectionTests
{
    private const string Uri = "test:///default";

    private LibvirtConnection _connection = null!;

    [SetUp]
    public void Open() => _connection = LibvirtConnection.Open(Uri);

    [TearDown]
    public void Close() => _connection.Dispose();

    [Test]
    public void Open_TestDriver_IsAlive() => Assert.That(_connection.IsAlive, Is.True);

    [Test]
    public void Open_UnknownDriver_NamesTheUri()
    {
        var e = Assert.Throws<LibvirtException>(() => LibvirtConnection.Open("nosuch:///system"));
        Assert.That(e.Message, Does.StartWith("cannot open 'nosuch:///system': "));
    }

    [Test]
    public void Open_NoDaemonAtSocket_IsConnectionLost()
    {
        const string Absent = "qemu+unix:///system?socket=/nonexistent/libvirt-sock";
        var e = Assert.Throws<LibvirtException>(() => LibvirtConnection.Open(Absent));
        Assert.That((e.Kind, e.Function), Is.EqualTo((LibvirtErrorKind.ConnectionLost, "virConnectOpen")), e.Message);
    }

    [Test]
    public void Dispose_Twice_DoesNothing()
    {
        _connection.Dispose();
        Assert.That(_connection.Dispose, Throws.Nothing);
    }

    [Test]
    public void IsAlive_AfterDispose_IsFalse()
    {
        _connection.Dispose();
        Assert.That(_connection.IsAlive, Is.False);
    }

    [Test]
    public void ListAllDomains_AfterDispose_Throws()
    {
        _connection.Dispose();
        Assert.That(_connection.ListAllDomains, Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public void Versions_AreThoseOfOneLibrary() =>
        Assert.That((_connection.LibvirtVersion, LibvirtLibrary.Version.Major >= 5), Is.EqualTo((LibvirtLibrary.Version, true)));

    [Test]
    public void HypervisorVersion_TestDriver_IsTwo() => Assert.That(_connection.HypervisorVersion, Is.EqualTo(new Version(0, 0, 2)));

    [Test]
    public void SetKeepAlive_WithoutAPeer_IsFalse() => Assert.That(_connection.SetKeepAlive(TimeSpan.FromSeconds(5), 3), Is.False);

    [Test]
    public void SetKeepAlive_BelowOneSecond_IsRefused() =>
        Assert.That(() => _connection.SetKeepAlive(TimeSpan.FromMilliseconds(900), 3), Throws.InstanceOf<ArgumentOutOfRangeException>());

    [Test]
    public void ListAllDomains_FindsTheOne()
    {
        var domains = _connection.ListAllDomains();
        Assert.That(domains.Select(d => d.Name), Is.EqualTo(["test"]));
        foreach (var domain in domains)
        {
            domain.Dispose();
        }
    }

    [Test]
    public void LookupByUuid_UuidOfTheXml_FindsTheDomain()
    {
        using var byName = _connection.LookupByName("test");
        Assert.That(byName.GetXml(), Does.Contain($"<uuid>{byName.Uuid:D}</uuid>"));
        using var byUuid = _connection.LookupByUuid(byName.Uuid);
        Assert.That(byUuid.Name, Is.EqualTo("test"));
    }

    [Test]
    public void LookupByUuid_Unknown_IsNoSuchDomain()
    {
        var e = Assert.Throws<LibvirtException>(() => _connection.LookupByUuid(Guid.Parse("00112233-4455-6677-8899-aabbccddeeff")));
        Assert.That((e.Kind, e.Code), Is.EqualTo((LibvirtErrorKind.NoSuchDomain, VirErrorNumber.NoDomain)));
    }

    [Test]
    public void LookupByName_Unknown_IsNoSuchDomain()
    {
        var e = Assert.Throws<LibvirtException>(() => _connection.LookupByName("nöne"));
        Assert.That((e.Kind, e.Message), Is.EqualTo((LibvirtErrorKind.NoSuchDomain, "Domain not found")));
    }

    [Test]
    public void Load_LibraryAbsent_NamesThePackage() =>
        Assert.That(() => LibvirtLibrary.Load("libvirt-absent.so.0"), Throws.InstanceOf<DllNotFoundException>().With.Message.Contains("libvirt0"));

    [Test]
    public void Unpack_SplitsTheVersion() =>
        Assert.That(LibvirtLibrary.Unpack(new CULong(11_010_003u)), Is.EqualTo(new Version(11, 10, 3)));
}
