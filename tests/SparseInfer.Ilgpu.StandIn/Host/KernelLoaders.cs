using SparseInfer.Ilgpu.StandIn.Execution;

namespace ILGPU.Runtime;

// Loads kernels whose group size the caller chooses, of one to eight parameters (the package goes on to fourteen).
public static class KernelLoaders
{
    public static Action<AcceleratorStream, KernelConfig, T1> LoadKernel<T1>(
        this Accelerator accelerator,
        Action<T1> action)
        where T1 : struct =>
        Launcher<T1>.Create(accelerator, action?.Method, default);

    public static Action<AcceleratorStream, KernelConfig, T1> LoadKernel<T1>(
        this Accelerator accelerator,
        Action<T1> action,
        out KernelInfo? kernelInfo)
        where T1 : struct
    {
        kernelInfo = null;
        return Launcher<T1>.Create(accelerator, action?.Method, default);
    }

    public static Action<AcceleratorStream, KernelConfig, T1> LoadKernel<T1>(
        this Accelerator accelerator,
        Action<T1> action,
        KernelSpecialization specialization)
        where T1 : struct =>
        Launcher<T1>.Create(accelerator, action?.Method, specialization);

    public static Action<AcceleratorStream, KernelConfig, T1> LoadKernel<T1>(
        this Accelerator accelerator,
        Action<T1> action,
        KernelSpecialization specialization,
        out KernelInfo? kernelInfo)
        where T1 : struct
    {
        kernelInfo = null;
        return Launcher<T1>.Create(accelerator, action?.Method, specialization);
    }

    public static Action<KernelConfig, T1> LoadStreamKernel<T1>(
        this Accelerator accelerator,
        Action<T1> action)
        where T1 : struct =>
        Launcher<T1>.CreateStream(accelerator, action?.Method, default);

    public static Action<KernelConfig, T1> LoadStreamKernel<T1>(
        this Accelerator accelerator,
        Action<T1> action,
        out KernelInfo? kernelInfo)
        where T1 : struct
    {
        kernelInfo = null;
        return Launcher<T1>.CreateStream(accelerator, action?.Method, default);
    }

    public static Action<KernelConfig, T1> LoadStreamKernel<T1>(
        this Accelerator accelerator,
        Action<T1> action,
        KernelSpecialization specialization)
        where T1 : struct =>
        Launcher<T1>.CreateStream(accelerator, action?.Method, specialization);

    public static Action<KernelConfig, T1> LoadStreamKernel<T1>(
        this Accelerator accelerator,
        Action<T1> action,
        KernelSpecialization specialization,
        out KernelInfo? kernelInfo)
        where T1 : struct
    {
        kernelInfo = null;
        return Launcher<T1>.CreateStream(accelerator, action?.Method, specialization);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2> LoadKernel<T1, T2>(
        this Accelerator accelerator,
        Action<T1, T2> action)
        where T1 : struct
        where T2 : struct =>
        Launcher<T1, T2>.Create(accelerator, action?.Method, default);

    public static Action<AcceleratorStream, KernelConfig, T1, T2> LoadKernel<T1, T2>(
        this Accelerator accelerator,
        Action<T1, T2> action,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2>.Create(accelerator, action?.Method, default);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2> LoadKernel<T1, T2>(
        this Accelerator accelerator,
        Action<T1, T2> action,
        KernelSpecialization specialization)
        where T1 : struct
        where T2 : struct =>
        Launcher<T1, T2>.Create(accelerator, action?.Method, specialization);

    public static Action<AcceleratorStream, KernelConfig, T1, T2> LoadKernel<T1, T2>(
        this Accelerator accelerator,
        Action<T1, T2> action,
        KernelSpecialization specialization,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2>.Create(accelerator, action?.Method, specialization);
    }

    public static Action<KernelConfig, T1, T2> LoadStreamKernel<T1, T2>(
        this Accelerator accelerator,
        Action<T1, T2> action)
        where T1 : struct
        where T2 : struct =>
        Launcher<T1, T2>.CreateStream(accelerator, action?.Method, default);

    public static Action<KernelConfig, T1, T2> LoadStreamKernel<T1, T2>(
        this Accelerator accelerator,
        Action<T1, T2> action,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2>.CreateStream(accelerator, action?.Method, default);
    }

    public static Action<KernelConfig, T1, T2> LoadStreamKernel<T1, T2>(
        this Accelerator accelerator,
        Action<T1, T2> action,
        KernelSpecialization specialization)
        where T1 : struct
        where T2 : struct =>
        Launcher<T1, T2>.CreateStream(accelerator, action?.Method, specialization);

    public static Action<KernelConfig, T1, T2> LoadStreamKernel<T1, T2>(
        this Accelerator accelerator,
        Action<T1, T2> action,
        KernelSpecialization specialization,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2>.CreateStream(accelerator, action?.Method, specialization);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3> LoadKernel<T1, T2, T3>(
        this Accelerator accelerator,
        Action<T1, T2, T3> action)
        where T1 : struct
        where T2 : struct
        where T3 : struct =>
        Launcher<T1, T2, T3>.Create(accelerator, action?.Method, default);

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3> LoadKernel<T1, T2, T3>(
        this Accelerator accelerator,
        Action<T1, T2, T3> action,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
        where T3 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2, T3>.Create(accelerator, action?.Method, default);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3> LoadKernel<T1, T2, T3>(
        this Accelerator accelerator,
        Action<T1, T2, T3> action,
        KernelSpecialization specialization)
        where T1 : struct
        where T2 : struct
        where T3 : struct =>
        Launcher<T1, T2, T3>.Create(accelerator, action?.Method, specialization);

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3> LoadKernel<T1, T2, T3>(
        this Accelerator accelerator,
        Action<T1, T2, T3> action,
        KernelSpecialization specialization,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
        where T3 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2, T3>.Create(accelerator, action?.Method, specialization);
    }

    public static Action<KernelConfig, T1, T2, T3> LoadStreamKernel<T1, T2, T3>(
        this Accelerator accelerator,
        Action<T1, T2, T3> action)
        where T1 : struct
        where T2 : struct
        where T3 : struct =>
        Launcher<T1, T2, T3>.CreateStream(accelerator, action?.Method, default);

    public static Action<KernelConfig, T1, T2, T3> LoadStreamKernel<T1, T2, T3>(
        this Accelerator accelerator,
        Action<T1, T2, T3> action,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
        where T3 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2, T3>.CreateStream(accelerator, action?.Method, default);
    }

    public static Action<KernelConfig, T1, T2, T3> LoadStreamKernel<T1, T2, T3>(
        this Accelerator accelerator,
        Action<T1, T2, T3> action,
        KernelSpecialization specialization)
        where T1 : struct
        where T2 : struct
        where T3 : struct =>
        Launcher<T1, T2, T3>.CreateStream(accelerator, action?.Method, specialization);

    public static Action<KernelConfig, T1, T2, T3> LoadStreamKernel<T1, T2, T3>(
        this Accelerator accelerator,
        Action<T1, T2, T3> action,
        KernelSpecialization specialization,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
        where T3 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2, T3>.CreateStream(accelerator, action?.Method, specialization);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4> LoadKernel<T1, T2, T3, T4>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4> action)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct =>
        Launcher<T1, T2, T3, T4>.Create(accelerator, action?.Method, default);

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4> LoadKernel<T1, T2, T3, T4>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4> action,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2, T3, T4>.Create(accelerator, action?.Method, default);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4> LoadKernel<T1, T2, T3, T4>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4> action,
        KernelSpecialization specialization)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct =>
        Launcher<T1, T2, T3, T4>.Create(accelerator, action?.Method, specialization);

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4> LoadKernel<T1, T2, T3, T4>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4> action,
        KernelSpecialization specialization,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2, T3, T4>.Create(accelerator, action?.Method, specialization);
    }

    public static Action<KernelConfig, T1, T2, T3, T4> LoadStreamKernel<T1, T2, T3, T4>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4> action)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct =>
        Launcher<T1, T2, T3, T4>.CreateStream(accelerator, action?.Method, default);

    public static Action<KernelConfig, T1, T2, T3, T4> LoadStreamKernel<T1, T2, T3, T4>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4> action,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2, T3, T4>.CreateStream(accelerator, action?.Method, default);
    }

    public static Action<KernelConfig, T1, T2, T3, T4> LoadStreamKernel<T1, T2, T3, T4>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4> action,
        KernelSpecialization specialization)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct =>
        Launcher<T1, T2, T3, T4>.CreateStream(accelerator, action?.Method, specialization);

    public static Action<KernelConfig, T1, T2, T3, T4> LoadStreamKernel<T1, T2, T3, T4>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4> action,
        KernelSpecialization specialization,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2, T3, T4>.CreateStream(accelerator, action?.Method, specialization);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5> LoadKernel<T1, T2, T3, T4, T5>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5> action)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct =>
        Launcher<T1, T2, T3, T4, T5>.Create(accelerator, action?.Method, default);

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5> LoadKernel<T1, T2, T3, T4, T5>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5> action,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2, T3, T4, T5>.Create(accelerator, action?.Method, default);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5> LoadKernel<T1, T2, T3, T4, T5>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5> action,
        KernelSpecialization specialization)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct =>
        Launcher<T1, T2, T3, T4, T5>.Create(accelerator, action?.Method, specialization);

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5> LoadKernel<T1, T2, T3, T4, T5>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5> action,
        KernelSpecialization specialization,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2, T3, T4, T5>.Create(accelerator, action?.Method, specialization);
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5> LoadStreamKernel<T1, T2, T3, T4, T5>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5> action)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct =>
        Launcher<T1, T2, T3, T4, T5>.CreateStream(accelerator, action?.Method, default);

    public static Action<KernelConfig, T1, T2, T3, T4, T5> LoadStreamKernel<T1, T2, T3, T4, T5>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5> action,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2, T3, T4, T5>.CreateStream(accelerator, action?.Method, default);
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5> LoadStreamKernel<T1, T2, T3, T4, T5>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5> action,
        KernelSpecialization specialization)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct =>
        Launcher<T1, T2, T3, T4, T5>.CreateStream(accelerator, action?.Method, specialization);

    public static Action<KernelConfig, T1, T2, T3, T4, T5> LoadStreamKernel<T1, T2, T3, T4, T5>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5> action,
        KernelSpecialization specialization,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2, T3, T4, T5>.CreateStream(accelerator, action?.Method, specialization);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6> LoadKernel<T1, T2, T3, T4, T5, T6>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6> action)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct =>
        Launcher<T1, T2, T3, T4, T5, T6>.Create(accelerator, action?.Method, default);

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6> LoadKernel<T1, T2, T3, T4, T5, T6>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6> action,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2, T3, T4, T5, T6>.Create(accelerator, action?.Method, default);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6> LoadKernel<T1, T2, T3, T4, T5, T6>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6> action,
        KernelSpecialization specialization)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct =>
        Launcher<T1, T2, T3, T4, T5, T6>.Create(accelerator, action?.Method, specialization);

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6> LoadKernel<T1, T2, T3, T4, T5, T6>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6> action,
        KernelSpecialization specialization,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2, T3, T4, T5, T6>.Create(accelerator, action?.Method, specialization);
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6> LoadStreamKernel<T1, T2, T3, T4, T5, T6>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6> action)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct =>
        Launcher<T1, T2, T3, T4, T5, T6>.CreateStream(accelerator, action?.Method, default);

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6> LoadStreamKernel<T1, T2, T3, T4, T5, T6>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6> action,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2, T3, T4, T5, T6>.CreateStream(accelerator, action?.Method, default);
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6> LoadStreamKernel<T1, T2, T3, T4, T5, T6>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6> action,
        KernelSpecialization specialization)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct =>
        Launcher<T1, T2, T3, T4, T5, T6>.CreateStream(accelerator, action?.Method, specialization);

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6> LoadStreamKernel<T1, T2, T3, T4, T5, T6>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6> action,
        KernelSpecialization specialization,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2, T3, T4, T5, T6>.CreateStream(accelerator, action?.Method, specialization);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7> LoadKernel<T1, T2, T3, T4, T5, T6, T7>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7> action)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct =>
        Launcher<T1, T2, T3, T4, T5, T6, T7>.Create(accelerator, action?.Method, default);

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7> LoadKernel<T1, T2, T3, T4, T5, T6, T7>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7> action,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2, T3, T4, T5, T6, T7>.Create(accelerator, action?.Method, default);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7> LoadKernel<T1, T2, T3, T4, T5, T6, T7>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7> action,
        KernelSpecialization specialization)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct =>
        Launcher<T1, T2, T3, T4, T5, T6, T7>.Create(accelerator, action?.Method, specialization);

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7> LoadKernel<T1, T2, T3, T4, T5, T6, T7>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7> action,
        KernelSpecialization specialization,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2, T3, T4, T5, T6, T7>.Create(accelerator, action?.Method, specialization);
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7> LoadStreamKernel<T1, T2, T3, T4, T5, T6, T7>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7> action)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct =>
        Launcher<T1, T2, T3, T4, T5, T6, T7>.CreateStream(accelerator, action?.Method, default);

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7> LoadStreamKernel<T1, T2, T3, T4, T5, T6, T7>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7> action,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2, T3, T4, T5, T6, T7>.CreateStream(accelerator, action?.Method, default);
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7> LoadStreamKernel<T1, T2, T3, T4, T5, T6, T7>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7> action,
        KernelSpecialization specialization)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct =>
        Launcher<T1, T2, T3, T4, T5, T6, T7>.CreateStream(accelerator, action?.Method, specialization);

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7> LoadStreamKernel<T1, T2, T3, T4, T5, T6, T7>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7> action,
        KernelSpecialization specialization,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2, T3, T4, T5, T6, T7>.CreateStream(accelerator, action?.Method, specialization);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8> LoadKernel<T1, T2, T3, T4, T5, T6, T7, T8>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7, T8> action)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct
        where T8 : struct =>
        Launcher<T1, T2, T3, T4, T5, T6, T7, T8>.Create(accelerator, action?.Method, default);

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8> LoadKernel<T1, T2, T3, T4, T5, T6, T7, T8>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7, T8> action,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct
        where T8 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2, T3, T4, T5, T6, T7, T8>.Create(accelerator, action?.Method, default);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8> LoadKernel<T1, T2, T3, T4, T5, T6, T7, T8>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7, T8> action,
        KernelSpecialization specialization)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct
        where T8 : struct =>
        Launcher<T1, T2, T3, T4, T5, T6, T7, T8>.Create(accelerator, action?.Method, specialization);

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8> LoadKernel<T1, T2, T3, T4, T5, T6, T7, T8>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7, T8> action,
        KernelSpecialization specialization,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct
        where T8 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2, T3, T4, T5, T6, T7, T8>.Create(accelerator, action?.Method, specialization);
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8> LoadStreamKernel<T1, T2, T3, T4, T5, T6, T7, T8>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7, T8> action)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct
        where T8 : struct =>
        Launcher<T1, T2, T3, T4, T5, T6, T7, T8>.CreateStream(accelerator, action?.Method, default);

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8> LoadStreamKernel<T1, T2, T3, T4, T5, T6, T7, T8>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7, T8> action,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct
        where T8 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2, T3, T4, T5, T6, T7, T8>.CreateStream(accelerator, action?.Method, default);
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8> LoadStreamKernel<T1, T2, T3, T4, T5, T6, T7, T8>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7, T8> action,
        KernelSpecialization specialization)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct
        where T8 : struct =>
        Launcher<T1, T2, T3, T4, T5, T6, T7, T8>.CreateStream(accelerator, action?.Method, specialization);

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8> LoadStreamKernel<T1, T2, T3, T4, T5, T6, T7, T8>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7, T8> action,
        KernelSpecialization specialization,
        out KernelInfo? kernelInfo)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct
        where T8 : struct
    {
        kernelInfo = null;
        return Launcher<T1, T2, T3, T4, T5, T6, T7, T8>.CreateStream(accelerator, action?.Method, specialization);
    }
}
