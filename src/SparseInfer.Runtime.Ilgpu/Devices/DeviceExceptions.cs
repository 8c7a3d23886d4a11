namespace SparseInfer;

/// <summary>A device failed: a kernel faulted, the driver was reset, or the device is gone. The message says what to do.</summary>
/// <param name="message">What happened, and what to do.</param>
/// <param name="inner">ILGPU's error; null for the calls that follow it.</param>
public sealed class DeviceLostException(string message, Exception? inner) : Exception(message, inner);

/// <summary>A device has no room for a buffer. The message says what to reduce. The device can be used on.</summary>
/// <param name="message">What there is no room for, and what to reduce.</param>
/// <param name="inner">ILGPU's error, where it was asked.</param>
public sealed class InsufficientDeviceMemoryException(string message, Exception? inner) : Exception(message, inner);

/// <summary>
/// A device's driver refused a kernel that ILGPU compiled for it. The message names the kernel, what it was compiled for, the driver, and
/// what to update. The device can be used on.
/// </summary>
/// <param name="message">What was refused, and what to update.</param>
/// <param name="inner">ILGPU's error.</param>
public sealed class KernelRefusedException(string message, Exception? inner) : Exception(message, inner);
