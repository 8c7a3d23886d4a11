namespace SparseInfer;

/// <summary>
/// Lets sessions show what they compute: <c>SessionOptions.Observer</c> gets the vectors of <see cref="ObservedActivation"/>, layer by layer. For
/// calibration, for judging a policy, for a look inside. Optional; without it the generated code has nothing of that. With it and without an observer a
/// vector costs a test. On CPUs: GPU programs show nothing.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class ObservedAttribute : Attribute;
