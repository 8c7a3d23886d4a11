global using ILGPU;
global using ILGPU.Runtime;
global using SparseInfer.Ilgpu.StandIn;
global using Half = ILGPU.Half;
