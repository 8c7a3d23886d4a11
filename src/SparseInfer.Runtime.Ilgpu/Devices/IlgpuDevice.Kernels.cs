using System.Reflection;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace SparseInfer;

/// <content>Kernels, compiled by ILGPU and by the driver.</content>
public sealed partial class IlgpuDevice
{
    /// <summary>Compiles a kernel, explicitly grouped, and launches it on the default stream whenever the result is called.</summary>
    /// <param name="kernel">The kernel, a static method.</param>
    /// <exception cref="KernelRefusedException">The driver refused it.</exception>
    /// <exception cref="InsufficientDeviceMemoryException">There is no room for it.</exception>
    /// <exception cref="DeviceLostException">The device failed, now or before.</exception>
    /// <exception cref="ObjectDisposedException">The device was disposed.</exception>
    public Action<KernelConfig, T1> LoadKernel<T1>(Action<T1> kernel)
        where T1 : struct => Load(kernel, static (accelerator, kernel) => accelerator.LoadStreamKernel(kernel));

    /// <inheritdoc cref="LoadKernel{T1}"/>
    public Action<KernelConfig, T1, T2> LoadKernel<T1, T2>(Action<T1, T2> kernel)
        where T1 : struct where T2 : struct => Load(kernel, static (accelerator, kernel) => accelerator.LoadStreamKernel(kernel));

    /// <inheritdoc cref="LoadKernel{T1}"/>
    public Action<KernelConfig, T1, T2, T3> LoadKernel<T1, T2, T3>(Action<T1, T2, T3> kernel)
        where T1 : struct where T2 : struct where T3 : struct => Load(kernel, static (accelerator, kernel) => accelerator.LoadStreamKernel(kernel));

    /// <inheritdoc cref="LoadKernel{T1}"/>
    public Action<KernelConfig, T1, T2, T3, T4> LoadKernel<T1, T2, T3, T4>(Action<T1, T2, T3, T4> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct => Load(kernel, static (accelerator, kernel) => accelerator.LoadStreamKernel(kernel));

    /// <inheritdoc cref="LoadKernel{T1}"/>
    public Action<KernelConfig, T1, T2, T3, T4, T5> LoadKernel<T1, T2, T3, T4, T5>(Action<T1, T2, T3, T4, T5> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct => Load(kernel, static (accelerator, kernel) => accelerator.LoadStreamKernel(kernel));

    /// <inheritdoc cref="LoadKernel{T1}"/>
    public Action<KernelConfig, T1, T2, T3, T4, T5, T6> LoadKernel<T1, T2, T3, T4, T5, T6>(Action<T1, T2, T3, T4, T5, T6> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct => Load(kernel, static (accelerator, kernel) => accelerator.LoadStreamKernel(kernel));

    /// <inheritdoc cref="LoadKernel{T1}"/>
    public Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7> LoadKernel<T1, T2, T3, T4, T5, T6, T7>(Action<T1, T2, T3, T4, T5, T6, T7> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct => Load(kernel, static (accelerator, kernel) => accelerator.LoadStreamKernel(kernel));

    /// <inheritdoc cref="LoadKernel{T1}"/>
    public Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8> LoadKernel<T1, T2, T3, T4, T5, T6, T7, T8>(Action<T1, T2, T3, T4, T5, T6, T7, T8> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct => Load(kernel, static (accelerator, kernel) => accelerator.LoadStreamKernel(kernel));

    /// <inheritdoc cref="LoadKernel{T1}"/>
    public Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9> LoadKernel<T1, T2, T3, T4, T5, T6, T7, T8, T9>(Action<T1, T2, T3, T4, T5, T6, T7, T8, T9> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct where T9 : struct => Load(kernel, static (accelerator, kernel) => accelerator.LoadStreamKernel(kernel));

    /// <inheritdoc cref="LoadKernel{T1}"/>
    public Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10> LoadKernel<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10>(Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct where T9 : struct where T10 : struct => Load(kernel, static (accelerator, kernel) => accelerator.LoadStreamKernel(kernel));

    /// <inheritdoc cref="LoadKernel{T1}"/>
    public Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11> LoadKernel<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11>(Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct where T9 : struct where T10 : struct where T11 : struct => Load(kernel, static (accelerator, kernel) => accelerator.LoadStreamKernel(kernel));

    /// <inheritdoc cref="LoadKernel{T1}"/>
    public Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12> LoadKernel<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12>(Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct where T9 : struct where T10 : struct where T11 : struct where T12 : struct => Load(kernel, static (accelerator, kernel) => accelerator.LoadStreamKernel(kernel));

    /// <inheritdoc cref="LoadKernel{T1}"/>
    public Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13> LoadKernel<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13>(Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct where T9 : struct where T10 : struct where T11 : struct where T12 : struct where T13 : struct => Load(kernel, static (accelerator, kernel) => accelerator.LoadStreamKernel(kernel));

    /// <inheritdoc cref="LoadKernel{T1}"/>
    public Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14> LoadKernel<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14>(Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct where T9 : struct where T10 : struct where T11 : struct where T12 : struct where T13 : struct where T14 : struct => Load(kernel, static (accelerator, kernel) => accelerator.LoadStreamKernel(kernel));

    private TLaunch Load<TKernel, TLaunch>(TKernel kernel, Func<Accelerator, TKernel, TLaunch> load)
        where TKernel : Delegate
    {
        ArgumentNullException.ThrowIfNull(kernel);
        TLaunch? launch = default;
        Use(this, device =>
        {
            try
            {
                launch = load(device.Accelerator, kernel);
            }
            catch (AcceleratorException exception) when (DriverErrors.WhatHelpsRefused(exception) is { } help)
            {
                throw device.Refused(kernel.Method, exception, help);
            }
            catch (AcceleratorException exception) when (DriverErrors.IsNoMemory(exception))
            {
                throw new InsufficientDeviceMemoryException(
                    $"Device '{device.Name}' has no room for kernel '{kernel.Method.Name}'. Free models and sessions that are not used, or close other programs that use it.",
                    exception);
            }
        });
        return launch!;
    }

    private KernelRefusedException Refused(MethodInfo kernel, AcceleratorException exception, string help)
    {
        var accelerator = (CudaAccelerator)Accelerator;
        var compiled = (PTXCompiledKernel)accelerator.CompileKernel(EntryPointDescription.FromExplicitlyGroupedKernel(kernel));
        string[] heads = ["version", "target"];
        string[] found = [.. heads.Select(head => Directive(compiled.PTXAssembly, head))];
        string log = Log(compiled.PTXAssembly);
        return new KernelRefusedException(
            $"Device '{Name}' ({Info.Architecture}, driver for CUDA {accelerator.DriverVersion.Major}.{accelerator.DriverVersion.Minor}) refused kernel '{kernel.Name}', "
            + $"PTX {found[0]} for {found[1]}: {exception.Message.TrimEnd('.')}.{(log.Length > 0 ? $" The driver's log: {log}." : "")} {help}",
            exception);
    }

    private static string Directive(string ptx, string name) =>
        ptx.Split('\n').Select(line => line.Trim()).FirstOrDefault(line => line.StartsWith($".{name} ", StringComparison.Ordinal))?[(name.Length + 2)..] ?? "?";

    /// <summary>What the driver says of a text that it refused a moment ago, in one line: ILGPU asks for it, and only traces it.</summary>
    private static string Log(string ptx)
    {
        if (CudaAPI.CurrentAPI.LoadModule(out nint module, ptx, out string? log) == CudaError.CUDA_SUCCESS)
        {
            CudaAPI.CurrentAPI.DestroyModule(module);
        }

        string text = log?.Split('\0')[0] ?? "";
        return string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).TrimEnd('.');
    }
}
