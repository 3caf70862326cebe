// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Libvirt;

namespace UsbHostd.Tests.Libvirt;

[TestFixture]
[NonParallelizable]
internal sealed class LibvirtDomainTests
{
    private LibvirtConnection _connection = null!;
    private LibvirtDomain _domain = null!;

    [SetUp]
    public void Open()
    {
        _connection = LibvirtConnection.Open("test:///default");
        _domain = _connection.LookupByName("test");
    }

    [TearDown]
    public void Close()
    {
        _domain.Dispose();
        _connection.Dispose();
    }

    [Test]
    public void GetState_Started_IsRunningAndBooted()
    {
        _domain.Destroy();
        _domain.Create();
        Assert.That(_domain.GetState(), Is.EqualTo(new DomainStatus(DomainState.Running, (int)DomainRunningReason.Booted)));
    }

    [Test]
    public void GetState_AfterDestroy_IsShutoffAndDestroyed()
    {
        _domain.Destroy();
        var status = _domain.GetState();
        Assert.That((status.State, status.Shutoff, status.Running), Is.EqualTo((DomainState.Shutoff, DomainShutoffReason.Destroyed, (DomainRunningReason?)null)));
    }

    [Test]
    public void Create_StartPaused_PassesTheFlag()
    {
        // The test driver knows no flags, and quotes them.
        _domain.Destroy();
        var e = Assert.Throws<LibvirtException>(() => _domain.Create(DomainCreateFlags.StartPaused));
        Assert.That(e.Message, Does.Contain("(0x1)"));
    }

    [Test]
    public void Id_Running_IsANumber() => Assert.That(_domain.Id, Is.GreaterThan(0));

    [Test]
    public void Id_LookedUpWhileOff_IsNull()
    {
        _domain.Destroy();
        using var off = _connection.LookupByUuid(_domain.Uuid);
        Assert.That(off.Id, Is.Null);
    }

    [Test]
    public void IsActive_FollowsDestroy()
    {
        var before = _domain.IsActive;
        _domain.Destroy();
        Assert.That((before, _domain.IsActive, _domain.IsPersistent), Is.EqualTo((true, false, true)));
    }

    [Test]
    public void HasManagedSave_Fresh_IsFalse() => Assert.That(_domain.HasManagedSave, Is.False);

    [Test]
    public void AttachDevice_TestDriver_IsNoSupport()
    {
        var e = Assert.Throws<LibvirtException>(() => _domain.AttachDevice("<hostdev/>", DomainDeviceModifyFlags.Live));
        Assert.That((e.Kind, e.Code, e.Function), Is.EqualTo((LibvirtErrorKind.NoSupport, VirErrorNumber.NoSupport, "virDomainAttachDeviceFlags")));
    }

    [Test]
    public void Destroy_WhileOff_IsDomainNotRunning()
    {
        _domain.Destroy();
        var e = Assert.Throws<LibvirtException>(_domain.Destroy);
        Assert.That(e.Kind, Is.EqualTo(LibvirtErrorKind.DomainNotRunning), e.Message);
    }

    [Test]
    public void Create_WhileRunning_IsRefused()
    {
        var e = Assert.Throws<LibvirtException>(() => _domain.Create());
        Assert.That(e.Code, Is.EqualTo(VirErrorNumber.OperationInvalid).Or.EqualTo(VirErrorNumber.InternalError), e.Message);
    }

    [Test]
    public void GetXml_AfterTheConnectionIsDisposed_StillAnswers()
    {
        // A domain holds a reference to its connection.
        _connection.Dispose();
        Assert.That(_domain.GetXml(), Does.StartWith("<domain type='test'"));
    }

    [Test]
    public void GetXml_AfterDispose_Throws()
    {
        _domain.Dispose();
        Assert.That(() => _domain.GetXml(), Throws.InstanceOf<ObjectDisposedException>());
    }
}
