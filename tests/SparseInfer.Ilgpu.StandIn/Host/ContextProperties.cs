namespace ILGPU;

public enum InliningMode
{
    Default = Aggressive,
    Aggressive = 0,
    Conservative,
    Disabled,
}

public enum OptimizationLevel
{
    Debug = O0,
    Release = O1,
    O0 = 0,
    O1,
    O2,
}

public enum MathMode
{
    Default,
    Fast,
    Fast32BitOnly,
}

public enum DebugSymbolsMode
{
    Auto,
    Disabled,
    Basic,
    Kernel,
    KernelSourceAnnotations,
}

public enum PageLockingMode
{
    Default,
    Auto,
    Aggressive,
}

public enum CachingMode
{
    Default,
    NoKernelCaching,
    NoLaunchCaching,
    Disabled,
}

/// <summary>What a context was built with. Kept, and without effect: the stand-in compiles one way only.</summary>
public class ContextProperties
{
    protected internal ContextProperties()
    {
    }

    public DebugSymbolsMode DebugSymbolsMode { get; protected set; } = DebugSymbolsMode.Auto;

    public bool EnableAssertions { get; protected set; }

    public bool EnableVerifier { get; protected set; }

    public bool EnableProfiling { get; protected set; }

    public OptimizationLevel OptimizationLevel { get; protected set; } = OptimizationLevel.Release;

    public InliningMode InliningMode { get; protected set; } = InliningMode.Default;

    public MathMode MathMode { get; protected set; } = MathMode.Default;

    public CachingMode CachingMode { get; protected set; } = CachingMode.Default;

    public PageLockingMode PageLockingMode { get; protected set; } = PageLockingMode.Default;
}
