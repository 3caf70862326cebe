namespace UsbHostd.Policy.Rules;

/// <summary>How the device gets into the guest.</summary>
public enum ClaimMode
{
    Hostdev,
    Spicevmc,
    Usbredir,
}
