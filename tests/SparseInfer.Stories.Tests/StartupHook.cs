using SparseInfer.SoftwareCuda;

/// <summary>
/// What .NET runs at the start of a program that names this assembly in DOTNET_STARTUP_HOOKS: the software CUDA device fails a while after
/// it is opened.
/// </summary>
internal static class StartupHook
{
    /// <summary>A launch amid the story's first tokens.</summary>
    private const int FailedLaunch = 200;

    public static void Initialize() => SoftwareCudaBackend.Options = SoftwareCudaBackend.Options with
    {
        WhenOpened = software => software.Faults.FailLaunch = FailedLaunch,
    };
}
