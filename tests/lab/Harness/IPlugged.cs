namespace UsbHostd.Lab.Harness;

/// <summary>Something that a test put into L1's ports and that the test's end takes out.</summary>
internal interface IPlugged
{
    Task RemoveAsync();
}
