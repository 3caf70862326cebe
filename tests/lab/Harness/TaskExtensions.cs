namespace UsbHostd.Lab.Harness;

internal static class TaskExtensions
{
    /// <summary>Says that nobody awaits this on purpose.</summary>
    public static void Forget(this Task task) => _ = task;
}
