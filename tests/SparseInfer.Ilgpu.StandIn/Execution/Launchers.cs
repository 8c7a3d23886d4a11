using System.Reflection;
using ILGPU;
using ILGPU.Runtime;

namespace SparseInfer.Ilgpu.StandIn.Execution;

// One holder of arguments and one pair of launch delegates for each number of kernel parameters. Typed, so that a launch
// boxes nothing and rewritten code reads its parameters as fields.

public sealed class KernelArguments<T1> : KernelArguments
    where T1 : struct
{
    public T1 P1;
}

internal static class Launcher<T1>
    where T1 : struct
{
    public static Action<AcceleratorStream, KernelConfig, T1> Create(
        Accelerator accelerator,
        MethodInfo? method,
        KernelSpecialization specialization)
    {
        var kernel = LoadedKernel.Load(accelerator, method, specialization, typeof(KernelArguments<T1>));
        return (stream, config, a1) => kernel.Launch(
            stream,
            config,
            new KernelArguments<T1> { P1 = a1 });
    }

    public static Action<KernelConfig, T1> CreateStream(
        Accelerator accelerator,
        MethodInfo? method,
        KernelSpecialization specialization)
    {
        var launch = Create(accelerator, method, specialization);
        return (config, a1) => launch(accelerator.DefaultStream, config, a1);
    }
}

public sealed class KernelArguments<T1, T2> : KernelArguments
    where T1 : struct
    where T2 : struct
{
    public T1 P1;
    public T2 P2;
}

internal static class Launcher<T1, T2>
    where T1 : struct
    where T2 : struct
{
    public static Action<AcceleratorStream, KernelConfig, T1, T2> Create(
        Accelerator accelerator,
        MethodInfo? method,
        KernelSpecialization specialization)
    {
        var kernel = LoadedKernel.Load(accelerator, method, specialization, typeof(KernelArguments<T1, T2>));
        return (stream, config, a1, a2) => kernel.Launch(
            stream,
            config,
            new KernelArguments<T1, T2> { P1 = a1, P2 = a2 });
    }

    public static Action<KernelConfig, T1, T2> CreateStream(
        Accelerator accelerator,
        MethodInfo? method,
        KernelSpecialization specialization)
    {
        var launch = Create(accelerator, method, specialization);
        return (config, a1, a2) => launch(accelerator.DefaultStream, config, a1, a2);
    }
}

public sealed class KernelArguments<T1, T2, T3> : KernelArguments
    where T1 : struct
    where T2 : struct
    where T3 : struct
{
    public T1 P1;
    public T2 P2;
    public T3 P3;
}

internal static class Launcher<T1, T2, T3>
    where T1 : struct
    where T2 : struct
    where T3 : struct
{
    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3> Create(
        Accelerator accelerator,
        MethodInfo? method,
        KernelSpecialization specialization)
    {
        var kernel = LoadedKernel.Load(accelerator, method, specialization, typeof(KernelArguments<T1, T2, T3>));
        return (stream, config, a1, a2, a3) => kernel.Launch(
            stream,
            config,
            new KernelArguments<T1, T2, T3> { P1 = a1, P2 = a2, P3 = a3 });
    }

    public static Action<KernelConfig, T1, T2, T3> CreateStream(
        Accelerator accelerator,
        MethodInfo? method,
        KernelSpecialization specialization)
    {
        var launch = Create(accelerator, method, specialization);
        return (config, a1, a2, a3) => launch(accelerator.DefaultStream, config, a1, a2, a3);
    }
}

public sealed class KernelArguments<T1, T2, T3, T4> : KernelArguments
    where T1 : struct
    where T2 : struct
    where T3 : struct
    where T4 : struct
{
    public T1 P1;
    public T2 P2;
    public T3 P3;
    public T4 P4;
}

internal static class Launcher<T1, T2, T3, T4>
    where T1 : struct
    where T2 : struct
    where T3 : struct
    where T4 : struct
{
    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4> Create(
        Accelerator accelerator,
        MethodInfo? method,
        KernelSpecialization specialization)
    {
        var kernel = LoadedKernel.Load(accelerator, method, specialization, typeof(KernelArguments<T1, T2, T3, T4>));
        return (stream, config, a1, a2, a3, a4) => kernel.Launch(
            stream,
            config,
            new KernelArguments<T1, T2, T3, T4> { P1 = a1, P2 = a2, P3 = a3, P4 = a4 });
    }

    public static Action<KernelConfig, T1, T2, T3, T4> CreateStream(
        Accelerator accelerator,
        MethodInfo? method,
        KernelSpecialization specialization)
    {
        var launch = Create(accelerator, method, specialization);
        return (config, a1, a2, a3, a4) => launch(accelerator.DefaultStream, config, a1, a2, a3, a4);
    }
}

public sealed class KernelArguments<T1, T2, T3, T4, T5> : KernelArguments
    where T1 : struct
    where T2 : struct
    where T3 : struct
    where T4 : struct
    where T5 : struct
{
    public T1 P1;
    public T2 P2;
    public T3 P3;
    public T4 P4;
    public T5 P5;
}

internal static class Launcher<T1, T2, T3, T4, T5>
    where T1 : struct
    where T2 : struct
    where T3 : struct
    where T4 : struct
    where T5 : struct
{
    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5> Create(
        Accelerator accelerator,
        MethodInfo? method,
        KernelSpecialization specialization)
    {
        var kernel = LoadedKernel.Load(accelerator, method, specialization, typeof(KernelArguments<T1, T2, T3, T4, T5>));
        return (stream, config, a1, a2, a3, a4, a5) => kernel.Launch(
            stream,
            config,
            new KernelArguments<T1, T2, T3, T4, T5> { P1 = a1, P2 = a2, P3 = a3, P4 = a4, P5 = a5 });
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5> CreateStream(
        Accelerator accelerator,
        MethodInfo? method,
        KernelSpecialization specialization)
    {
        var launch = Create(accelerator, method, specialization);
        return (config, a1, a2, a3, a4, a5) => launch(accelerator.DefaultStream, config, a1, a2, a3, a4, a5);
    }
}

public sealed class KernelArguments<T1, T2, T3, T4, T5, T6> : KernelArguments
    where T1 : struct
    where T2 : struct
    where T3 : struct
    where T4 : struct
    where T5 : struct
    where T6 : struct
{
    public T1 P1;
    public T2 P2;
    public T3 P3;
    public T4 P4;
    public T5 P5;
    public T6 P6;
}

internal static class Launcher<T1, T2, T3, T4, T5, T6>
    where T1 : struct
    where T2 : struct
    where T3 : struct
    where T4 : struct
    where T5 : struct
    where T6 : struct
{
    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6> Create(
        Accelerator accelerator,
        MethodInfo? method,
        KernelSpecialization specialization)
    {
        var kernel = LoadedKernel.Load(accelerator, method, specialization, typeof(KernelArguments<T1, T2, T3, T4, T5, T6>));
        return (stream, config, a1, a2, a3, a4, a5, a6) => kernel.Launch(
            stream,
            config,
            new KernelArguments<T1, T2, T3, T4, T5, T6> { P1 = a1, P2 = a2, P3 = a3, P4 = a4, P5 = a5, P6 = a6 });
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6> CreateStream(
        Accelerator accelerator,
        MethodInfo? method,
        KernelSpecialization specialization)
    {
        var launch = Create(accelerator, method, specialization);
        return (config, a1, a2, a3, a4, a5, a6) => launch(accelerator.DefaultStream, config, a1, a2, a3, a4, a5, a6);
    }
}

public sealed class KernelArguments<T1, T2, T3, T4, T5, T6, T7> : KernelArguments
    where T1 : struct
    where T2 : struct
    where T3 : struct
    where T4 : struct
    where T5 : struct
    where T6 : struct
    where T7 : struct
{
    public T1 P1;
    public T2 P2;
    public T3 P3;
    public T4 P4;
    public T5 P5;
    public T6 P6;
    public T7 P7;
}

internal static class Launcher<T1, T2, T3, T4, T5, T6, T7>
    where T1 : struct
    where T2 : struct
    where T3 : struct
    where T4 : struct
    where T5 : struct
    where T6 : struct
    where T7 : struct
{
    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7> Create(
        Accelerator accelerator,
        MethodInfo? method,
        KernelSpecialization specialization)
    {
        var kernel = LoadedKernel.Load(accelerator, method, specialization, typeof(KernelArguments<T1, T2, T3, T4, T5, T6, T7>));
        return (stream, config, a1, a2, a3, a4, a5, a6, a7) => kernel.Launch(
            stream,
            config,
            new KernelArguments<T1, T2, T3, T4, T5, T6, T7> { P1 = a1, P2 = a2, P3 = a3, P4 = a4, P5 = a5, P6 = a6, P7 = a7 });
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7> CreateStream(
        Accelerator accelerator,
        MethodInfo? method,
        KernelSpecialization specialization)
    {
        var launch = Create(accelerator, method, specialization);
        return (config, a1, a2, a3, a4, a5, a6, a7) => launch(accelerator.DefaultStream, config, a1, a2, a3, a4, a5, a6, a7);
    }
}

public sealed class KernelArguments<T1, T2, T3, T4, T5, T6, T7, T8> : KernelArguments
    where T1 : struct
    where T2 : struct
    where T3 : struct
    where T4 : struct
    where T5 : struct
    where T6 : struct
    where T7 : struct
    where T8 : struct
{
    public T1 P1;
    public T2 P2;
    public T3 P3;
    public T4 P4;
    public T5 P5;
    public T6 P6;
    public T7 P7;
    public T8 P8;
}

internal static class Launcher<T1, T2, T3, T4, T5, T6, T7, T8>
    where T1 : struct
    where T2 : struct
    where T3 : struct
    where T4 : struct
    where T5 : struct
    where T6 : struct
    where T7 : struct
    where T8 : struct
{
    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8> Create(
        Accelerator accelerator,
        MethodInfo? method,
        KernelSpecialization specialization)
    {
        var kernel = LoadedKernel.Load(accelerator, method, specialization, typeof(KernelArguments<T1, T2, T3, T4, T5, T6, T7, T8>));
        return (stream, config, a1, a2, a3, a4, a5, a6, a7, a8) => kernel.Launch(
            stream,
            config,
            new KernelArguments<T1, T2, T3, T4, T5, T6, T7, T8> { P1 = a1, P2 = a2, P3 = a3, P4 = a4, P5 = a5, P6 = a6, P7 = a7, P8 = a8 });
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8> CreateStream(
        Accelerator accelerator,
        MethodInfo? method,
        KernelSpecialization specialization)
    {
        var launch = Create(accelerator, method, specialization);
        return (config, a1, a2, a3, a4, a5, a6, a7, a8) => launch(accelerator.DefaultStream, config, a1, a2, a3, a4, a5, a6, a7, a8);
    }
}
